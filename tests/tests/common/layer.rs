//! A model of sparse layers.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use burn_seven::sparse::{Activation, PackConfig, PackRule, SparseLinear, SparseLinearConfig};
use burn_seven::{MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, Sparsity};
use burn_seven_tests::backend;

#[derive(Module, Debug)]
pub struct Model {
    pub inner: SparseLinear,
    pub outer: SparseLinear,
}

impl Model {
    pub fn new(device: &Device) -> Self {
        Self {
            inner: SparseLinearConfig::new(20, 30)
                .with_activation(Activation::Gelu)
                .init(device),
            outer: SparseLinearConfig::new(30, 10).init(device),
        }
    }

    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.outer.forward(self.inner.forward(input))
    }
}

pub fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}

pub fn always<M: Module>(model: &M) -> M {
    let config = PackConfig::new().with_rule(PackRule::Always);
    config.pack(model).unwrap().0
}

/// A model whose smallest weights are pruned, on its device without autodiff.
pub fn pruned(device: &Device, share: f64) -> Model {
    let model = Model::new(&device.clone().autodiff());
    let schedule = OneShotSchedule::new(0, sparsity(share));
    let config = PrunerConfig::new(schedule);
    let mut pruner = config
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap();
    let model = pruner.attach(model).unwrap();
    let model = pruner.step(model, &GradientsParams::new()).unwrap();
    pruner.finish(model).unwrap().valid()
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

pub fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

pub fn assert_close(one: &[f32], other: &[f32]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert!(
            (one - other).abs() <= 1e-5 * (1.0 + other.abs()),
            "{one} {other}"
        );
    }
}

/// Whether the backend under test multiplies sparse.
pub fn has_kernel() -> bool {
    matches!(backend().as_deref(), None | Some("ndarray" | "flex"))
}
