//! The prunable weights of a module: finding them, choosing among them, pairing them with
//! gradients, giving them new values.

mod change;
mod finite;
mod grads;
mod inputs;
pub(crate) mod rewrite;
mod selection;
mod traverse;
mod values;
pub(crate) mod walk;
mod weight;

pub(crate) use change::{NewValues, change};
pub(crate) use finite::check_finite;
pub use grads::{WeightGrad, WeightGrads};
pub use inputs::Inputs;
pub(crate) use rewrite::rewrite;
pub use selection::{LeftOut, Selection};
pub(crate) use selection::{check_group, check_names};
pub(crate) use traverse::{Found, Read, find};
pub(crate) use values::Values;
pub(crate) use walk::PRUNING_MASK;
pub use weight::Weight;
pub(crate) use weight::check_same;
