//! What the tests of compiled models share.
#![allow(dead_code, clippy::unwrap_used)]

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Int, Shape, Tensor, TensorData};
use burn_seven_compile::{CompileConfig, Compiled, Products, Tensors};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The device that compiled models run on.
pub fn device() -> Device {
    Device::flex()
}

/// Sets a share of the entries of all weights of rank 2 and more to 0.
pub fn prune<M: Module>(model: M, sparsity: f64) -> M {
    struct Prune(f64, StdRng);
    impl ModuleMapper for Prune {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Self(sparsity, rng) = self;
            param.map(|tensor| {
                let (shape, device) = (tensor.shape(), tensor.device());
                let values: Vec<f32> = tensor.into_data().try_to_vec().unwrap();
                let kept =
                    values
                        .into_iter()
                        .map(|value| match D > 1 && rng.random_bool(*sparsity) {
                            true => 0.0,
                            // Norms and biases start from ones and zeros, which would hide mistakes.
                            false => value + rng.random_range(-0.1..0.1),
                        });
                let data = TensorData::new(kept.collect::<Vec<f32>>(), shape);
                Tensor::from_data(data, &device)
            })
        }
    }
    model.map(&mut Prune(sparsity, StdRng::seed_from_u64(7)))
}

/// Values between -1 and 1.
pub fn floats<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| rng.random_range(-1.0f32..1.0)).collect();
    Tensor::from_data(TensorData::new(values, Shape::new(shape)), &device())
}

/// Integers below a limit.
pub fn integers<const D: usize>(shape: [usize; D], below: i32, seed: u64) -> Tensor<D, Int> {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = shape.iter().product();
    let values: Vec<i32> = (0..count).map(|_| rng.random_range(0..below)).collect();
    Tensor::from_data(TensorData::new(values, Shape::new(shape)), &device())
}

/// Outputs as numbers, with their shapes.
pub trait Numbers {
    /// The values of all tensors, one list each.
    fn numbers(self) -> Vec<(Vec<usize>, Vec<f64>)>;
}

impl<const D: usize> Numbers for Tensor<D> {
    fn numbers(self) -> Vec<(Vec<usize>, Vec<f64>)> {
        let data = self.into_data();
        vec![(data.shape().to_vec(), data.iter::<f64>().collect())]
    }
}

impl<const D: usize> Numbers for Tensor<D, Int> {
    fn numbers(self) -> Vec<(Vec<usize>, Vec<f64>)> {
        let data = self.into_data();
        vec![(data.shape().to_vec(), data.iter::<f64>().collect())]
    }
}

impl<const D: usize> Numbers for Tensor<D, burn::tensor::Bool> {
    fn numbers(self) -> Vec<(Vec<usize>, Vec<f64>)> {
        self.int().numbers()
    }
}

impl<A: Numbers, B: Numbers> Numbers for (A, B) {
    fn numbers(self) -> Vec<(Vec<usize>, Vec<f64>)> {
        let mut all = self.0.numbers();
        all.extend(self.1.numbers());
        all
    }
}

impl<T: Numbers> Numbers for Vec<T> {
    fn numbers(self) -> Vec<(Vec<usize>, Vec<f64>)> {
        self.into_iter().flat_map(Numbers::numbers).collect()
    }
}

/// The largest difference, as a share of the largest value.
pub fn distance<O: Numbers>(found: O, expected: O) -> f64 {
    let (found, expected) = (found.numbers(), expected.numbers());
    assert_eq!(found.len(), expected.len());
    let mut worst = 0.0f64;
    for ((shape, found), (wanted, expected)) in found.into_iter().zip(expected) {
        assert_eq!(shape, wanted);
        assert_eq!(found.len(), expected.len());
        let largest = expected
            .iter()
            .fold(1e-30f64, |most, value| most.max(value.abs()));
        for (a, b) in found.iter().zip(&expected) {
            assert_eq!(a.is_nan(), b.is_nan(), "{a} {b}");
            worst = worst.max((a - b).abs() / largest);
        }
    }
    worst
}

/// Checks every configuration against the model itself: with all rewriting off bit for bit,
/// otherwise to 1e-5 of the largest value. Gives the fully compiled model.
pub fn check<M, I, O>(
    model: &M,
    inputs: I,
    forward: impl Fn(&M, I) -> O + Clone + Send + Sync + 'static,
) -> Compiled<I, O>
where
    M: Module + Send + Sync + 'static,
    I: Tensors,
    O: Tensors + Numbers,
{
    let expected = || forward(&model.valid(), inputs.clone());
    let plain = CompileConfig::new()
        .with_products(Products::Dense)
        .with_fuse(false);
    let plain = plain
        .compile(model, inputs.clone(), forward.clone())
        .unwrap();
    for _ in 0..2 {
        assert_eq!(
            distance(plain.run(inputs.clone()).unwrap(), expected()),
            0.0
        );
    }
    for products in [Products::Dense, Products::Sparse, Products::Measured] {
        for fuse in [false, true] {
            let config = CompileConfig::new().with_products(products).with_fuse(fuse);
            let fast = config
                .compile(model, inputs.clone(), forward.clone())
                .unwrap();
            for _ in 0..2 {
                let off = distance(fast.run(inputs.clone()).unwrap(), expected());
                assert!(off < 1e-5, "{products:?} {fuse}: {off}");
            }
        }
    }
    let all = CompileConfig::new().with_products(Products::Sparse);
    all.compile(model, inputs, forward).unwrap()
}

/// Whether the report has an operation whose name contains this.
pub fn has<I: Tensors, O: Tensors>(fast: &Compiled<I, O>, name: &str) -> bool {
    let report = fast.report().unwrap();
    report.operations.iter().any(|one| one.name.contains(name))
}

/// Operations that run as Burn runs them.
pub fn of_burn<I: Tensors, O: Tensors>(fast: &Compiled<I, O>) -> Vec<String> {
    let report = fast.report().unwrap();
    let names = report.operations.into_iter().map(|one| one.name);
    names.filter(|name| name.starts_with("Burn's")).collect()
}

/// Random values as Burn draws them.
pub fn normal<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device())
}
