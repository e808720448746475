//! Any weight may go.

use super::{Pattern, Ranked};
use crate::Error;

/// Every weight stands for itself. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unstructured;

impl Pattern for Unstructured {
    fn name(&self) -> String {
        "unstructured".to_string()
    }

    fn check(&self, _path: &str, _shape: &[usize]) -> Result<(), Error> {
        Ok(())
    }

    fn reserves(&self) -> bool {
        false
    }

    fn reserved_count(&self, _shape: &[usize]) -> Option<usize> {
        None
    }

    fn reserve(&self, ranked: Ranked<'_>) -> Vec<bool> {
        vec![false; ranked.keys.len()]
    }
}
