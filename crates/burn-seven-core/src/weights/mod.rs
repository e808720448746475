//! The prunable weights of a module: finding them, choosing among them, pairing them with
//! gradients.

mod grads;
mod rewrite;
mod selection;
mod traverse;
mod values;

pub use grads::{WeightGrad, WeightGrads};
pub(crate) use rewrite::rewrite;
pub use selection::{LeftOut, Selection};
pub(crate) use traverse::{Found, ModulePath, Take, find};
pub(crate) use values::Values;
