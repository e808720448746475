//! Masks, and how they are put on a model.
//!
//! [`Masks`] say what is kept; [`PruningMask`] carries one of them in Burn's autodiff graph, and
//! `attach` and `update` put it there and change it.

mod attach;
mod masks;
mod record;
mod reparameterization;
mod update;
mod zeros;

pub(crate) use attach::attach;
pub(crate) use masks::count_nonzero;
pub use masks::{Mask, Masks};
pub use reparameterization::PruningMask;
pub(crate) use update::{release, update};
pub use zeros::Zeros;
