//! A small convolutional network on the digits: trained dense, then pruned to 90 % by SEVEN while it
//! learns to answer as the dense one does.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use burn_seven::train::Distillation;
use burn_seven::{CubicSchedule, PrunerConfig, SevenScorerConfig, Sparsity};
use burn_seven_examples::digits::{Batch, Digits, Error};
use rand::SeedableRng;
use rand::rngs::StdRng;

const BATCH: usize = 50;
const DENSE_EPOCHS: usize = 8;
const PRUNING_EPOCHS: usize = 12;

/// Two convolutions of 3x3 with pooling, and a linear layer.
#[derive(Module, Debug)]
struct Cnn {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    head: Linear,
}

impl Cnn {
    fn new(device: &Device) -> Self {
        let convolution = |channels| {
            let config = Conv2dConfig::new(channels, [3, 3]);
            config.with_padding(PaddingConfig2d::Same).init(device)
        };
        Self {
            first: convolution([1, 16]),
            second: convolution([16, 32]),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            head: LinearConfig::new(32 * 2 * 2, 10).init(device),
        }
    }

    /// Class scores, shape `[batch, 10]`, of images, shape `[batch, 8, 8]`.
    fn forward(&self, images: Tensor<3>) -> Tensor<2> {
        let hidden = images.unsqueeze_dim::<4>(1);
        let hidden = self.pool.forward(relu(self.first.forward(hidden)));
        let hidden = self.pool.forward(relu(self.second.forward(hidden)));
        self.head.forward(hidden.flatten(1, 3))
    }

    fn loss(&self, batch: &Batch) -> (Tensor<1>, Tensor<2>) {
        let scores = self.forward(batch.images.clone());
        let loss = CrossEntropyLossConfig::new().init(&scores.device());
        (loss.forward(scores.clone(), batch.labels.clone()), scores)
    }

    fn accuracy(&self, data: &Digits, device: &Device) -> f64 {
        let model = self.valid();
        data.share_right(device, |images| model.forward(images))
    }
}

fn main() -> Result<(), Error> {
    let device = burn_seven::device().autodiff();
    device.seed(0);
    let (data, test) = Digits::load()?;
    let mut order = StdRng::seed_from_u64(0);
    let mut model = Cnn::new(&device);
    let mut optim = AdamWConfig::new().init();
    for _ in 0..DENSE_EPOCHS {
        for batch in data.epoch(BATCH, &mut order, &device) {
            let (loss, _) = model.loss(&batch);
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = optim.step(2e-3, model, grads);
        }
    }
    println!("dense   {:5.2} %", 100.0 * model.accuracy(&test, &device));

    let teacher = model.clone();
    let soften = Distillation::new(2.0)?;
    let steps = PRUNING_EPOCHS * (data.len() / BATCH);
    let schedule = CubicSchedule::new(0..steps * 2 / 3, Sparsity::new(0.9)?);
    let mut pruner = PrunerConfig::new(schedule).init(SevenScorerConfig::new().init(), &model)?;
    let mut model = pruner.attach(model)?;
    let mut optim = AdamWConfig::new().init();
    for _ in 0..PRUNING_EPOCHS {
        for batch in data.epoch(BATCH, &mut order, &device) {
            let (hard, scores) = model.loss(&batch);
            let taught = teacher.forward(batch.images.clone());
            let loss = hard * 0.5 + soften.logits(scores, taught)? * 0.5;
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = pruner.optimize(&mut optim, 1e-3, model, grads)?;
        }
    }
    println!("{}", pruner.report(&model));
    let model = pruner.finish(model)?;
    println!("pruned  {:5.2} %", 100.0 * model.accuracy(&test, &device));
    Ok(())
}
