//! How the choice is put on a model.
//!
//! [`Selector`] turns scores into [`Masks`]; [`PruningMask`] carries one of them in Burn's autodiff
//! graph, and `attach` and `update` put it there and change it.

mod attach;
mod cuts;
mod feasible;
mod masks;
mod record;
mod reparameterization;
mod select;
mod tally;
mod update;

pub(crate) use attach::attach;
pub use cuts::{Cuts, Selected};
pub use masks::{Mask, Masks};
pub use reparameterization::PruningMask;
pub use select::Selector;
pub use tally::Tally;
pub(crate) use update::{release, update};
