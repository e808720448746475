//! What can go wrong when a model is compiled or run.

use burn::tensor::DType;

/// A model that cannot be compiled, or inputs that cannot be run. The model stays as it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// A tensor is on another backend.
    #[error(
        "{name} is on {found}, but compiled models run on flex: move it with \
         `to_device(&Device::flex())`"
    )]
    Device {
        /// The parameter's path, or the input's place such as `input 0`.
        name: String,
        /// The device it is on.
        found: String,
    },
    /// A parameter is quantized.
    #[error("{path} is quantized ({found:?}): quantized tensors cannot be captured")]
    Quantized {
        /// The parameter's path in the module.
        path: String,
        /// Its type.
        found: DType,
    },
    /// The forward pass reads values back that depend on inputs or random numbers.
    #[error(
        "the forward pass reads values of {tensor} (`into_data`, `into_scalar` or the like), so \
         what it does may depend on them: a graph cannot be captured ({message})"
    )]
    ReadBack {
        /// Whose values, with shape and type: an input's place such as `input 0`, or the operation
        /// that makes them, as Burn's graph names it, and what it reads.
        tensor: String,
        /// What Burn said.
        message: String,
    },
    /// The forward pass did something that cannot be captured.
    #[error("the forward pass cannot be captured: {message}")]
    Capture {
        /// What Burn said.
        message: String,
    },
    /// The forward pass draws random numbers.
    #[error(
        "the forward pass draws random numbers ({operation}), so that its outputs cannot be \
         compared: turn that off by `CompileConfig::with_check(false)`"
    )]
    Random {
        /// The operation, as Burn's graph names it.
        operation: String,
    },
    /// An operation of the graph failed.
    #[error("the operation {operation} failed: {message}")]
    Operation {
        /// The operation, as Burn's graph names it.
        operation: String,
        /// What it said.
        message: String,
    },
    /// The compiled model computes something else than the model.
    #[error(
        "output {output} of the compiled model is {found} where the model's own is {expected}, \
         with {inputs}: please report this"
    )]
    Mismatch {
        /// Which output.
        output: usize,
        /// With which inputs it was seen.
        inputs: &'static str,
        /// The model's own value, or shape.
        expected: String,
        /// The compiled model's.
        found: String,
    },
    /// An option has a value that makes no sense.
    #[error("{parameter} is {found}, but should be {expected}")]
    Config {
        /// The option.
        parameter: &'static str,
        /// What is asked for.
        expected: &'static str,
        /// Its value.
        found: String,
    },
}

/// What a panic said.
pub(crate) fn message(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other
            .downcast_ref::<&str>()
            .map_or("no message".to_string(), |text| text.to_string()),
    }
}
