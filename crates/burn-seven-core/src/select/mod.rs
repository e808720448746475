//! Choosing masks: which scores stay, exactly.
//!
//! A [`Layout`] divides a model's weights into units by their structures, the budget splits the
//! places over [`pools`], a [threshold](draw) is drawn in each, and [`Thresholds`] writes the masks.

mod candidate;
mod check;
mod draw;
mod layout;
mod pools;
mod selector;
mod thresholds;

use candidate::{Candidate, Rule};
pub(crate) use layout::{Layout, Structures};
pub use selector::Selector;
pub use thresholds::{Selected, Thresholds};
