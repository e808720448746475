//! Every entry by itself.

use super::{Structure, Units, each};
use crate::Error;
use crate::weights::Weight;

/// Every entry is a unit: unstructured pruning. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entries;

impl Structure for Entries {
    fn name(&self) -> String {
        "entries".to_string()
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        each("entries", weights, |weight| {
            Ok(vec![1; weight.shape().len()])
        })
    }
}
