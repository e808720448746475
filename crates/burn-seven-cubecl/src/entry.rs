//! What kernels know of one entry.
//!
//! Scores are read as the bits they are: devices may take denormal numbers for 0 in arithmetic and
//! comparisons of floats.

use cubecl::prelude::*;

/// See [`burn_seven_kernels::key_of`].
#[cube]
pub fn key_of(bits: u32) -> u32 {
    let positive = bits & 0x8000_0000u32 == 0u32;
    let zero = bits == 0x8000_0000u32;
    select(positive, bits | 0x8000_0000u32, select(zero, bits, !bits))
}

/// Whether a score of these bits is NaN.
#[cube]
pub fn is_nan(bits: u32) -> bool {
    bits & 0x7fff_ffffu32 > 0x7f80_0000u32
}

/// Whether a value of these bits is NaN or infinite.
#[cube]
pub fn is_not_finite(bits: u32) -> bool {
    bits & 0x7f80_0000u32 == 0x7f80_0000u32
}

/// The flags at an index, and `none` where there are no flags.
#[cube]
pub fn flags_at<F: CubePrimitive>(flags: &ComptimeOption<&[F]>, index: usize, none: F) -> F {
    #[comptime]
    match flags {
        ComptimeOption::Some(flags) => flags[index],
        ComptimeOption::None => none,
    }
}

/// Which entries a count is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Those that the current mask keeps.
    Kept,
    /// Those that it drops.
    Dropped,
    /// Both, apart.
    Both,
}
