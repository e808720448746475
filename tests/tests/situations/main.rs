//! Situations that runs get into, each with the value that is right in it.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod copies;
mod gradients;
mod grown;
mod names;
mod records;
mod steps;
mod tied;
mod zeros;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Tensor};
use burn_seven::{CubicSchedule, MaskMode, Masks, Pruner, PrunerConfig, Sparsity};
use burn_seven_tests::devices;
use burn_seven_tests::model::{Net, gradients};

const MODES: [MaskMode; 2] = [MaskMode::InGraph, MaskMode::AfterStep];

fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}

/// Steps 2 to 9 prune to a half.
fn config() -> PrunerConfig {
    PrunerConfig::new(CubicSchedule::new(2..10, sparsity(0.5)))
}

fn training_devices() -> Vec<Device> {
    let devices = devices().into_iter();
    devices.map(Device::autodiff).collect()
}

fn kept(masks: &Masks) -> Vec<bool> {
    masks.iter().flat_map(|mask| mask.to_vec()).collect()
}

fn scores(pruner: &Pruner) -> Vec<Vec<f32>> {
    let scores = pruner.scores().unwrap();
    let values = scores.iter().map(|score| score.value().clone());
    let values = values.map(|value| value.try_into_vec_as::<f32>().unwrap());
    values.collect()
}

/// Trains for these steps by `Pruner::optimize`.
fn train(
    pruner: &mut Pruner,
    optim: &mut ModuleOptimizer,
    mut model: Net,
    steps: std::ops::Range<u64>,
    device: &Device,
) -> Net {
    for step in steps {
        let grads = gradients(&model, step, device);
        model = pruner.optimize(optim, 0.02, model, grads).unwrap();
    }
    model
}

/// The first `rows` rows of the second weight are 0.
fn with_zeros(mut model: Net, rows: usize) -> Net {
    model.second.weight = model.second.weight.map(|weight| {
        let top = weight.clone().narrow(0, 0, rows).zeros_like();
        let zeroed = match rows {
            8 => top,
            _ => Tensor::cat(vec![top, weight.narrow(0, rows, 8 - rows)], 0),
        };
        zeroed.detach().require_grad()
    });
    model
}

/// Which of all selected entries (48, 64 and 24) are not in the first `rows` rows of the second.
fn outside(rows: usize) -> Vec<bool> {
    (0..136)
        .map(|entry| !(48..48 + 8 * rows).contains(&entry))
        .collect()
}

/// Everything that a model holds.
fn bytes(model: &Net) -> Vec<u8> {
    let record = model.clone().into_record();
    record.into_bytes().unwrap().to_vec()
}
