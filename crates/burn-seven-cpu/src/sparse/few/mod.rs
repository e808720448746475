//! The product with few rows.
//!
//! With one row a non-zero costs more for finding its activation than for anything else. Here 64
//! outputs look theirs up at once, in registers that hold a window of 128 activations byte by byte
//! ([`kernel`]); the weight is laid out for it anew ([`slots`]). It takes AVX-512 with the
//! instructions for bytes (VBMI).

mod kernel;
mod pick;
mod planes;
mod product;
mod slots;
mod step;

pub use product::Product;
pub use slots::{Entry, pays};

use slots::Slots;
use step::{Full, Half};

/// How many rows are taken this way at most: with more, panels are faster. Measured.
pub const ROWS: usize = 4;

/// A weight laid out for few rows.
#[derive(Debug, Clone)]
pub enum Few {
    /// With full weights.
    Full(Slots<Full>),
    /// With weights that bfloat16 can hold.
    Half(Slots<Half>),
}

impl Few {
    /// Of what each output reads, by rising inputs; `rounded` if bfloat16 can hold all weights.
    pub fn new(outputs: &[Vec<Entry>], rounded: bool) -> Self {
        match rounded {
            true => Self::Half(Slots::new(outputs)),
            false => Self::Full(Slots::new(outputs)),
        }
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Full(slots) => slots.bytes(),
            Self::Half(slots) => slots.bytes(),
        }
    }
}

/// Whether the processor has the instructions.
pub fn available() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vbmi")
}
