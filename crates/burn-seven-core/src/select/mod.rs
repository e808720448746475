//! Choosing masks: which scores stay, exactly.
//!
//! A [`Layout`] divides a model's weights into units by their structures, the budget splits the
//! places over [`pools`], a [`threshold`] is drawn in each, and [`Cuts`] writes the masks.

mod candidate;
mod check;
mod cuts;
mod layout;
mod pools;
mod selector;
mod threshold;

use candidate::{Candidate, Rule};
pub use cuts::{Cuts, Selected};
pub(crate) use layout::{Layout, Structures};
pub use selector::Selector;
