//! One step of a product with the instructions there are.

use std::ops::Range;

use burn_seven_kernels::Activation;

#[cfg(target_arch = "x86_64")]
use super::one_row;
use super::panel::{self, Input};
use super::pieces::Piece;
use super::shared::Place;
use super::split::Part;
use super::tile::{self, Transpose};
use super::{Level, activation, kernel};

/// Transposes a part's rows into the panel of some of their columns.
///
/// # Panics
///
/// As [`panel::gather`].
///
/// # Safety
///
/// The processor should have the instructions.
#[allow(unsafe_code)]
pub unsafe fn gather(
    level: Level,
    input: Input<'_>,
    part: Part,
    columns: Range<usize>,
    panel: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn avx2(input: Input<'_>, part: Part, columns: Range<usize>, panel: &mut [f32]) {
        // SAFETY: this is compiled for these instructions.
        unsafe { panel::gather::<tile::Avx2>(input, part, columns, panel) };
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx2")]
    fn avx512(input: Input<'_>, part: Part, columns: Range<usize>, panel: &mut [f32]) {
        // SAFETY: this is compiled for these instructions.
        unsafe { panel::gather::<tile::Avx512>(input, part, columns, panel) };
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as the caller says.
        Level::Avx512 => unsafe { avx512(input, part, columns, panel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as the caller says.
        Level::Avx2 => unsafe { avx2(input, part, columns, panel) },
        // SAFETY: these take no instructions that may be missing.
        _ => unsafe { panel::gather::<tile::Plain>(input, part, columns, panel) },
    }
}

/// A piece of a weight, and the activations it reads.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The weights.
    pub piece: Piece<'a>,
    /// How many inputs it has.
    pub inputs: usize,
    /// How many outputs it has.
    pub outputs: usize,
    /// Rows of the panels.
    pub width: usize,
    /// The activations.
    pub panel: &'a [f32],
    /// What the outputs and the place behind them begin with, in the first chunk.
    pub bias: Option<&'a [f32]>,
}

impl Step<'_> {
    /// Adds to the panel of outputs what the piece gives.
    ///
    /// # Panics
    ///
    /// When panels or the bias are of other lengths than the step says.
    ///
    /// # Safety
    ///
    /// The processor should have the instructions, and the piece be of so many inputs and outputs.
    #[allow(unsafe_code)]
    pub unsafe fn run(self, level: Level, values: &mut [f32]) {
        let Self { width, bias, .. } = self;
        // The vector kernels read and write without looking.
        let room = (self.inputs + 1) * width;
        assert_eq!(self.panel.len(), room, "values of the panel");
        let room = (self.outputs + 1) * width;
        assert_eq!(values.len(), room, "values of the outputs");
        let biases = bias.map_or(self.outputs + 1, <[f32]>::len);
        assert_eq!(biases, self.outputs + 1, "values of the bias");
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as the caller says, and the lengths are as just asserted.
            Level::Avx512 => unsafe { self.avx512(values) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Avx2 => unsafe { self.avx2(values) },
            _ => self.portable(values),
        }
    }

    fn portable(self, values: &mut [f32]) {
        const FUSED: bool = cfg!(target_arch = "aarch64");
        let (piece, panel, bias) = (self.piece, self.panel, self.bias);
        match self.width {
            64 | 32 => kernel::portable::<4, 8, FUSED>(piece, self.width, panel, bias, values),
            16 => kernel::portable::<2, 8, FUSED>(piece, self.width, panel, bias, values),
            8 => kernel::portable::<1, 8, FUSED>(piece, self.width, panel, bias, values),
            _ => kernel::one_row::<FUSED>(piece, panel, bias, values),
        }
    }

    /// # Safety
    ///
    /// As [`run`](Self::run), with the lengths that it asserts.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    #[allow(unsafe_code)]
    unsafe fn avx2(self, values: &mut [f32]) {
        let (piece, panel, bias) = (self.piece, self.panel, self.bias);
        let (from, start, to) = (
            panel.as_ptr(),
            bias.map(<[f32]>::as_ptr),
            values.as_mut_ptr(),
        );
        // SAFETY: as the caller says.
        unsafe {
            match self.width {
                64 => kernel::avx2::<8, 1>(piece, from, start, to),
                32 => kernel::avx2::<4, 2>(piece, from, start, to),
                16 => kernel::avx2::<2, 4>(piece, from, start, to),
                8 => kernel::avx2::<1, 4>(piece, from, start, to),
                _ => one_row::avx2(piece, from, start, to),
            }
        }
    }

    /// # Safety
    ///
    /// As [`run`](Self::run), with the lengths that it asserts.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx2,fma")]
    #[allow(unsafe_code)]
    unsafe fn avx512(self, values: &mut [f32]) {
        let (piece, panel, bias) = (self.piece, self.panel, self.bias);
        let (from, start, to) = (
            panel.as_ptr(),
            bias.map(<[f32]>::as_ptr),
            values.as_mut_ptr(),
        );
        // SAFETY: as the caller says.
        unsafe {
            match self.width {
                64 => kernel::avx512::<4, 4>(piece, from, start, to),
                32 => kernel::avx512::<2, 4>(piece, from, start, to),
                16 => kernel::avx512::<1, 4>(piece, from, start, to),
                8 => kernel::avx2::<1, 4>(piece, from, start, to),
                _ => one_row::avx2(piece, from, start, to),
            }
        }
    }
}

/// Applies the activation function to a panel of outputs and writes it.
///
/// # Panics
///
/// As [`panel::scatter`].
///
/// # Safety
///
/// The processor should have the instructions.
#[allow(unsafe_code)]
pub unsafe fn finish(
    level: Level,
    function: Activation,
    values: &mut [f32],
    width: usize,
    to: &Place<'_>,
) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2(function: Activation, values: &mut [f32], width: usize, to: &Place<'_>) {
        // SAFETY: this is compiled for these instructions.
        unsafe { any::<tile::Avx2>(function, values, width, to) };
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx2,fma")]
    fn avx512(function: Activation, values: &mut [f32], width: usize, to: &Place<'_>) {
        // SAFETY: this is compiled for these instructions.
        unsafe { any::<tile::Avx512>(function, values, width, to) };
    }
    /// # Safety
    ///
    /// As `finish`, with the instructions of `T`.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn any<T: Transpose>(
        function: Activation,
        values: &mut [f32],
        width: usize,
        to: &Place<'_>,
    ) {
        activation::apply(function, &mut values[..to.width() * width]);
        // SAFETY: as the caller says.
        unsafe { panel::scatter::<T>(values, width, to) };
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as the caller says.
        Level::Avx512 => unsafe { avx512(function, values, width, to) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as the caller says.
        Level::Avx2 => unsafe { avx2(function, values, width, to) },
        // SAFETY: these take no instructions that may be missing.
        _ => unsafe { any::<tile::Plain>(function, values, width, to) },
    }
}
