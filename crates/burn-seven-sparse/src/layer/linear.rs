//! The layer.

use burn::config::Config;
use burn::module::{Content, DisplaySettings, ModuleDisplay, ModuleDisplayDefault, Param};
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation, module::linear};

use super::Activation;
use super::empty::empty;
use super::form::PackedForm;

/// Configuration of a [`SparseLinear`].
#[derive(Config, Debug)]
pub struct SparseLinearConfig {
    /// The size of the input features.
    pub d_input: usize,
    /// The size of the output features.
    pub d_output: usize,
    /// Whether a bias is added.
    #[config(default = true)]
    pub bias: bool,
    /// How weight and bias start; by default as Burn's `Linear`.
    #[config(
        default = "Initializer::KaimingUniform { gain: 1.0 / 3f64.sqrt(), fan_out_only: false }"
    )]
    pub initializer: Initializer,
    /// What is applied to the outputs, in the same pass where the layer is packed.
    #[config(default = "Activation::None")]
    pub activation: Activation,
}

impl SparseLinearConfig {
    /// A layer of random weights.
    pub fn init(&self, device: &Device) -> SparseLinear {
        let config = LinearConfig::new(self.d_input, self.d_output)
            .with_bias(self.bias)
            .with_initializer(self.initializer.clone());
        SparseLinear::from(config.init(device)).with_activation(self.activation)
    }
}

/// A linear layer, `activation(input weight + bias)`, that can be [packed](super::pack) once it is
/// pruned.
///
/// Until then it computes what Burn's `Linear` does and trains like it. Parameters have the names
/// and shapes of `Linear`'s, so records and files of either are read by the other.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_seven_sparse::{Activation, SparseLinearConfig, pack};
///
/// let device = Device::default();
/// let layer = SparseLinearConfig::new(8, 3).with_activation(Activation::Relu).init(&device);
/// // ... train and prune it, then:
/// let (layer, report) = pack(&layer)?;
/// println!("{report}");
/// assert_eq!(layer.forward(Tensor::<3>::ones([2, 5, 8], &device)).dims(), [2, 5, 3]);
/// # Ok::<(), burn_seven_sparse::SparseError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SparseLinear {
    /// The weight, shape `[d_input, d_output]`.
    pub weight: Param<Tensor<2>>,
    /// The bias, shape `[d_output]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// What is applied to the outputs.
    pub activation: Activation,
}

impl From<Linear> for SparseLinear {
    fn from(linear: Linear) -> Self {
        Self {
            weight: linear.weight,
            bias: linear.bias,
            activation: Activation::None,
        }
    }
}

impl SparseLinear {
    /// The same layer with another activation function.
    #[must_use]
    pub fn with_activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Whether the layer has a packed form.
    ///
    /// Training again, loading a record, moving to another device and everything else that may
    /// change the weight takes the form away.
    pub fn is_packed(&self) -> bool {
        self.form().is_some()
    }

    pub(super) fn form(&self) -> Option<&super::form::Form> {
        self.weight.reparameterization::<PackedForm>()?.get()
    }

    /// Shape `[..., d_input]` to `[..., d_output]`.
    ///
    /// A packed layer multiplies sparse where that was faster for about as many rows, and dense
    /// otherwise; an input on a device with autodiff is multiplied dense. A pruned weight reads
    /// nothing in a sparse product, where a dense one makes NaN of 0 times infinity. An input
    /// without rows, such as `[0, d_input]`, gives an output without rows, and gradients of 0.
    ///
    /// # Panics
    ///
    /// As Burn's `Linear`, when the last axis of `input` is not `d_input`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        if let Some(output) = empty(self, &input) {
            return output;
        }
        if let Some(output) = self.sparse(&input) {
            return output;
        }
        let bias = self.bias.as_ref().map(|bias| bias.val());
        apply(self.activation, linear(input, self.weight.val(), bias))
    }

    fn sparse<const D: usize>(&self, input: &Tensor<D>) -> Option<Tensor<D>> {
        let form = self.form()?;
        let [inputs, outputs] = form.weight.shape();
        let mut dims = input.dims();
        if dims.last() != Some(&inputs) || input.is_autodiff() {
            return None;
        }
        let rows = dims[..D - 1].iter().product();
        if !form.pays(rows) {
            return None;
        }
        let bias = self.bias.as_ref().map(|bias| bias.val());
        let input = input.clone().reshape([rows, inputs]);
        let output = form.weight.linear(input, bias, self.activation)?;
        dims[D - 1] = outputs;
        Some(output.reshape(dims))
    }
}

/// The activation function by Burn's operations.
pub(super) fn apply<const D: usize>(function: Activation, values: Tensor<D>) -> Tensor<D> {
    match function {
        Activation::None => values,
        Activation::Relu => activation::relu(values),
        Activation::Gelu => activation::gelu(values),
        Activation::GeluTanh => activation::gelu_approximate(values),
        Activation::Silu => activation::silu(values),
        Activation::Sigmoid => activation::sigmoid(values),
        Activation::Tanh => activation::tanh(values),
        Activation::Clamp { min, max } => values.clamp_min(min).clamp_max(max),
        Activation::HardSigmoid { alpha, beta } => {
            activation::hard_sigmoid(values, alpha.into(), beta.into())
        }
        Activation::HardSwish => activation::hard_swish(values),
    }
}

impl ModuleDisplayDefault for SparseLinear {
    fn content(&self, content: Content) -> Option<Content> {
        self.custom_content(content)
    }
}

impl ModuleDisplay for SparseLinear {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let shape = self.weight.lazy_shape();
        content
            .add("d_input", &shape[0])
            .add("d_output", &shape[1])
            .add("bias", &self.bias.is_some())
            .add("packed", &self.is_packed())
            .optional()
    }
}
