//! A sparse weight in the form that a backend multiplies fastest.

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};

/// A function that is applied to each value, as to the outputs of a linear layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x Φ(x)` with the normal distribution's cumulative function, as Burn's `Gelu`.
    Gelu,
    /// `x (1 + tanh(sqrt(2/π) (x + 0.044715 x^3))) / 2`, which is close to [`Gelu`](Self::Gelu).
    GeluTanh,
    /// `x` times its [`Sigmoid`](Self::Sigmoid).
    Silu,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// `tanh(x)`.
    Tanh,
    /// `min(max(x, min), max)`: with 0 and 6 this is ReLU6. `max` where `min` is greater.
    Clamp {
        /// No value is less.
        min: f32,
        /// No value is greater.
        max: f32,
    },
    /// `alpha x + beta`, and 0 or 1 where that is less or greater.
    HardSigmoid {
        /// The slope.
        alpha: f32,
        /// The value for 0.
        beta: f32,
    },
    /// `x` times its [`HardSigmoid`](Self::HardSigmoid) with 1/6 and 0.5, as in
    /// [MobileNetV3](https://arxiv.org/abs/1905.02244).
    HardSwish,
}

/// A sparse weight matrix of a linear layer, packed by a backend for products with activations.
pub trait SparseWeight: Debug + Send + Sync {
    /// `[inputs, outputs]`, the shape of the weight that was packed.
    fn shape(&self) -> [usize; 2];

    /// How many weights are not 0.
    fn nonzeros(&self) -> usize;

    /// How many bytes of memory the packed form takes.
    fn bytes(&self) -> usize;

    /// `activation(input weight + bias)` for an input of shape `[rows, inputs]` and a bias of shape
    /// `[outputs]`: shape `[rows, outputs]`.
    ///
    /// None where a tensor is not float32, not on a device of the backend, or of another shape, or
    /// where there are no rows.
    fn linear(
        &self,
        input: Tensor<2>,
        bias: Option<Tensor<1>>,
        activation: Activation,
    ) -> Option<Tensor<2>>;

    /// The weight as a tensor, shape `[inputs, outputs]`.
    fn to_dense(&self, device: &Device) -> Tensor<2>;
}

/// What [`Kernels::pack`](crate::Kernels::pack) gives: shared by the layer's clones.
pub type PackedWeight = Arc<dyn SparseWeight>;
