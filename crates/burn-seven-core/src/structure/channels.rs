//! Channels of convolutions.

use super::lines::slices;
use super::{Pooling, Structure, Units};
use crate::Error;
use crate::weights::Weight;

/// Output channels of each convolution, transposed or not (and outputs of each linear layer),
/// wherever Burn stores them.
///
/// Only the weight that makes a channel is pruned, not what reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Channels(Pooling);

impl Channels {
    /// Scores are pooled by their mean.
    pub fn new() -> Self {
        Self::default()
    }

    /// How scores are pooled. Default: [`Pooling::Mean`]
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self(pooling)
    }
}

impl Structure for Channels {
    fn name(&self) -> String {
        format!("channels by {:?}", self.0)
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        slices(&self.name(), weights, self.0, Weight::output_dim)
    }
}
