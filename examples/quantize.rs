//! Quantization after pruning: a vision Transformer is pruned to 80 % on digits, finished, and then
//! quantized to 8 bits by Burn. Its zeros stay zeros.

use burn::module::{Module, ParamGroup, Quantizer};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::Device;
use burn::tensor::quantization::{Calibration, QuantScheme, QuantStore, QuantValue};
use burn_seven::{CubicSchedule, PrunerConfig, SevenScorerConfig, Sparsity, sparse};
use burn_seven_examples::digits::{Digits, Vit, VitConfig};
use rand::SeedableRng;
use rand::rngs::StdRng;

const BATCH: usize = 50;
const EPOCHS: usize = 12;

fn accuracy(model: &Vit, data: &Digits, device: &Device) -> f64 {
    100.0 * data.share_right(device, |images| model.forward(images))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = burn_seven::device().autodiff();
    device.seed(0);
    let (data, test) = Digits::load()?;
    let mut order = StdRng::seed_from_u64(0);

    let steps = EPOCHS * (data.len() / BATCH);
    let schedule = CubicSchedule::new(steps / 6..steps * 5 / 6, Sparsity::new(0.8)?);
    let model = VitConfig::new().with_dropout(0.0).init(&device);
    let mut pruner = PrunerConfig::new(schedule).init(SevenScorerConfig::new().init(), &model)?;
    let mut model = pruner.attach(model)?;
    let mut optim = AdamWConfig::new().init();
    for _ in 0..EPOCHS {
        for batch in data.epoch(BATCH, &mut order, &device) {
            let grads = GradientsParams::from_grads(model.loss(&batch).backward(), &model);
            model = pruner.optimize(&mut optim, 1e-3, model, grads)?;
        }
    }
    let model = pruner.finish(model)?.valid(); // first the plain model, out of autodiff
    let device = device.inner();
    println!("pruned:    {:.2} % right", accuracy(&model, &test, &device));
    // A sparse file holds floats: save it before they are quantized.
    let folder = tempfile::tempdir()?;
    println!(
        "{}",
        sparse::save(&model, folder.path().join("model.safetensors"))?
    );

    let weights: Vec<String> = pruner
        .masks()
        .iter()
        .map(|mask| mask.path().to_string())
        .collect();
    let scheme = QuantScheme::default()
        .with_value(QuantValue::Q8S)
        .with_store(QuantStore::Native);
    let mut quantizer = Quantizer::new(Calibration::MinMax, scheme);
    let group = ParamGroup::from_paths(weights);
    let quantized = model
        .clone()
        .quantize_weights_group(&mut quantizer, group.clone());
    println!(
        "quantized: {:.2} % right",
        accuracy(&quantized, &test, &device)
    );

    let zeros = Zeros::of(&quantized, group);
    let pruned = pruner.masks().total() - pruner.masks().kept();
    println!(
        "{} zeros in {} weights, {pruned} of them pruned",
        zeros.zeros, zeros.all
    );
    Ok(())
}

/// How many weights are 0 once they are floats again.
struct Zeros {
    group: ParamGroup,
    path: Vec<String>,
    zeros: i64,
    all: usize,
}

impl Zeros {
    fn of(model: &Vit, group: ParamGroup) -> Self {
        let mut zeros = Self {
            group,
            path: Vec::new(),
            zeros: 0,
            all: 0,
        };
        model.visit(&mut zeros);
        zeros
    }
}

impl burn::module::ModuleVisitor for Zeros {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(
        &mut self,
        param: &burn::module::Param<burn::tensor::Tensor<D>>,
    ) {
        if self.group.matches(&param.id, Some(&self.path.join("."))) {
            let zero = param.val().dequantize().equal_scalar(0.0);
            self.all += zero.shape().num_elements();
            self.zeros += zero.int().sum().into_scalar::<i64>();
        }
    }
}
