//! Structures: which units stay, beside recorded choices; laws of units; training with every scorer.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod counts;
mod laws;
mod model;
mod recorded;
mod training;
mod units;

use burn_seven::Sparsity;

fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}
