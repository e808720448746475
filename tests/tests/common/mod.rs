//! What the tests of bad input share.
#![allow(dead_code, missing_docs, clippy::unwrap_used)] // each test file uses some of it

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::Device;
use burn_seven::{CubicSchedule, Error, Pruner, PrunerConfig, SevenScorerConfig, Sparsity};
use burn_seven_tests::model::{Net, gradients};

pub fn device() -> Device {
    burn_seven_tests::device().autodiff()
}

pub fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}

pub fn config() -> PrunerConfig {
    PrunerConfig::new(CubicSchedule::new(0..4, sparsity(0.5)))
}

pub fn init(config: PrunerConfig, model: &Net) -> Result<Pruner, Error> {
    config.init(SevenScorerConfig::new().init(), model)
}

/// Everything a pruner knows, as bytes.
pub fn state(pruner: &Pruner) -> Vec<u8> {
    pruner.to_record().into_bytes().unwrap().to_vec()
}

/// A pruner and its model after two good steps.
pub fn running() -> (Pruner, Net, GradientsParams) {
    let model = Net::new(1, &device());
    let mut pruner = init(config(), &model).unwrap();
    let mut model = pruner.attach(model).unwrap();
    for step in 0..2 {
        let grads = gradients(&model, step, &device());
        model = pruner.step(model, &grads).unwrap();
    }
    let grads = gradients(&model, 2, &device());
    (pruner, model, grads)
}

pub fn failed(result: Result<Net, burn_seven::Failed<Net>>) -> (Net, Error) {
    result.expect_err("the step should fail").into_parts()
}

#[derive(Module, Debug)]
pub struct Layers {
    pub layers: Vec<Linear>,
}

pub fn layers(count: usize) -> Layers {
    let config = LinearConfig::new(4, 4);
    Layers {
        layers: (0..count).map(|_| config.init(&device())).collect(),
    }
}
