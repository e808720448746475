//! LoRA on a pruned model: a vision Transformer is pruned to 80 % on digits, and then learns digits in
//! negative by small adapters. Merged, it is as sparse as before.

use burn::module::{Module, ParamGroup};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use burn_seven::train::MaskedLoraConfig;
use burn_seven::{CubicSchedule, Masks, PrunerConfig, Selection, SevenScorerConfig, Sparsity};
use burn_seven_examples::digits::{Batch, Digits, Error, Vit, VitConfig};
use rand::SeedableRng;
use rand::rngs::StdRng;

const BATCH: usize = 50;
const EPOCHS: usize = 12;

fn negative(images: Tensor<3>) -> Tensor<3> {
    images.neg() + 1.0
}

fn accuracy(
    model: &Vit,
    data: &Digits,
    images: fn(Tensor<3>) -> Tensor<3>,
    device: &Device,
) -> f64 {
    let model = model.valid();
    100.0 * data.share_right(device, |seen| model.forward(images(seen)))
}

/// What is pruned: all matrices but the head's, which is trained as it is.
fn selection() -> Selection {
    Selection::new().without(ParamGroup::from_paths(vec!["head.weight"]))
}

fn sparsity(model: &Vit) -> Result<f64, Error> {
    Ok(100.0 * Masks::of_model(model, &selection())?.sparsity())
}

fn main() -> Result<(), Error> {
    let device = burn_seven::device().autodiff();
    device.seed(0);
    let (data, test) = Digits::load()?;
    let mut order = StdRng::seed_from_u64(0);

    let steps = EPOCHS * (data.len() / BATCH);
    let schedule = CubicSchedule::new(steps / 6..steps * 5 / 6, Sparsity::new(0.8)?);
    let model = VitConfig::new().with_dropout(0.0).init(&device);
    let config = PrunerConfig::new(schedule).with_selection(selection());
    let mut pruner = config.init(SevenScorerConfig::new().init(), &model)?;
    let mut model = pruner.attach(model)?;
    let mut optim = AdamWConfig::new().init();
    for _ in 0..EPOCHS {
        for batch in data.epoch(BATCH, &mut order, &device) {
            let grads = GradientsParams::from_grads(model.loss(&batch).backward(), &model);
            model = pruner.optimize(&mut optim, 1e-3, model, grads)?;
        }
    }
    let base = pruner.finish(model)?;
    println!(
        "pruned to {:.2} %: {:.2} % of digits right, {:.2} % in negative",
        sparsity(&base)?,
        accuracy(&base, &test, |images| images, &device),
        accuracy(&base, &test, negative, &device)
    );

    // Everything is frozen but the adapters and the head.
    let lora = MaskedLoraConfig::new(4)
        .with_alpha(8.0)
        .with_trained(ParamGroup::from_paths(vec!["head.weight", "head.bias"]));
    let mut model = lora.attach(base, pruner.masks())?;
    let mut optim = AdamWConfig::new().init();
    for _ in 0..EPOCHS {
        for batch in data.epoch(BATCH, &mut order, &device) {
            let images = negative(batch.images);
            let batch = Batch { images, ..batch };
            let grads = GradientsParams::from_grads(model.loss(&batch).backward(), &model);
            model = optim.step(3e-3, model, grads);
        }
    }
    let adapted = accuracy(&model, &test, negative, &device);
    let merged = model.materialize();
    println!(
        "adapted: {adapted:.2} % in negative; merged: {:.2} %, sparsity {:.2} %",
        accuracy(&merged, &test, negative, &device),
        sparsity(&merged)?
    );
    Ok(())
}
