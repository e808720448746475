//! Compiles any Burn module for fast inference on a CPU.
//!
//! Users reach this as `burn_seven::sparse::compile`. [`compile`] records what a forward pass does,
//! without changing the module, and gives a value that does the same faster: products with pruned
//! weights skip their zeros where that is faster, and what follows them runs in the same pass.
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Device, Tensor, activation::gelu};
//!
//! #[derive(Module, Debug)]
//! struct Model {
//!     inner: Linear,
//!     outer: Linear,
//! }
//!
//! impl Model {
//!     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
//!         self.outer.forward(gelu(self.inner.forward(x)))
//!     }
//! }
//!
//! let device = Device::flex();
//! let model = Model {
//!     inner: LinearConfig::new(16, 64).init(&device),
//!     outer: LinearConfig::new(64, 4).init(&device),
//! };
//! let example = Tensor::<2>::ones([8, 16], &device);
//! let fast = burn_seven_compile::compile(&model, example, |model: &Model, x| model.forward(x))?;
//! let y = fast.run(Tensor::ones([3, 16], &device))?; // another shape is compiled when it comes
//! assert_eq!(y.dims(), [3, 4]);
//! println!("{}", fast.report()?);
//! # Ok::<(), burn_seven_compile::CompileError>(())
//! ```

mod awake;
mod capture;
mod check;
mod choose;
mod compiled;
mod config;
mod error;
mod fold;
mod graph;
mod interpreter;
mod kernels;
mod plan;
mod pool;
mod read_back;
mod report;
mod rewrite;
mod served;
mod stepper;
mod tensors;
mod value;

pub use choose::ProductKind;
pub use compiled::Compiled;
pub use config::{CompileConfig, Precision, Products};
pub use error::CompileError;
pub use report::{CompileReport, OperationReport, ProductReport};
pub use tensors::Tensors;

/// What other crates of the project build on. It changes without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::capture::{Captured, capture};
    pub use crate::interpreter::name;
    pub use crate::stepper::Stepper;
    pub use crate::tensors::sealed::Tensors;
    pub use crate::value::Value;
}

use burn::module::Module;

/// Compiles a module's forward pass, by default.
///
/// `example` has the shapes and types of inputs: a tensor, or a tuple, vector or option of tensors,
/// of floats, integers or booleans, on flex. `forward` runs the module on such inputs. The module
/// should be on flex; it is not changed, and of one with autodiff the inner tensors are taken.
///
/// # Errors
///
/// When the module or an input is on another backend, when a parameter is quantized, when the
/// forward pass reads values of inputs back or does something else that cannot be captured, or when
/// the compiled model's outputs are not the module's.
pub fn compile<M, I, O, F>(
    model: &M,
    example: I,
    forward: F,
) -> Result<Compiled<I, O>, CompileError>
where
    M: Module + Send + Sync + 'static,
    I: Tensors,
    O: Tensors,
    F: Fn(&M, I) -> O + Send + Sync + 'static,
{
    CompileConfig::new().compile(model, example, forward)
}

impl CompileConfig {
    /// As [`compile`](crate::compile), with this configuration.
    ///
    /// # Errors
    ///
    /// As [`compile`](crate::compile), and when an option has a value that makes no sense.
    pub fn compile<M, I, O, F>(
        &self,
        model: &M,
        example: I,
        forward: F,
    ) -> Result<Compiled<I, O>, CompileError>
    where
        M: Module + Send + Sync + 'static,
        I: Tensors,
        O: Tensors,
        F: Fn(&M, I) -> O + Send + Sync + 'static,
    {
        Compiled::new(model, example, forward, self)
    }
}
