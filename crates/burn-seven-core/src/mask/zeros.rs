//! What exact zeros mean in a model that is about to be pruned.

use serde::{Deserialize, Serialize};

/// What the exact zeros of a weight mean when masks are taken from a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Zeros {
    /// They are pruned and stay so, as in a sparse checkpoint; but a weight that is zero altogether
    /// waits to be trained, as a new head or an adapter does. The default.
    #[default]
    Pruned,
    /// They are pruned, also where the whole weight is zero.
    AllPruned,
    /// They are ordinary values that happen to be 0, as the new columns of an enlarged head.
    Trained,
}
