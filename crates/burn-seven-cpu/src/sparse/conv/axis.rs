//! One axis of a convolution: which place of the input a tap of the kernel reads for an output.
//!
//! With strides the input is seen as several planes, its phases: of every so many places each takes
//! one. In these a tap reads for neighbouring outputs neighbouring places.

use std::ops::Range;

/// Height or width of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Taps of the kernel.
    pub kernel: usize,
    /// Places of the input from one output to the next.
    pub stride: usize,
    /// Zeros before the input.
    pub before: usize,
    /// Places of the input from one tap to the next.
    pub dilation: usize,
    /// Places of the input.
    pub input: usize,
    /// Outputs.
    pub output: usize,
}

impl Axis {
    /// The place that a tap reads for output 0.
    fn first(&self, tap: usize) -> isize {
        (tap * self.dilation) as isize - self.before as isize
    }

    /// The phase that a tap reads.
    pub fn phase(&self, tap: usize) -> usize {
        self.first(tap).rem_euclid(self.stride as isize) as usize
    }

    /// The place in its phase that a tap reads for output 0; for each further output it is one more.
    pub fn shift(&self, tap: usize) -> isize {
        self.first(tap).div_euclid(self.stride as isize)
    }

    /// The outputs for which a tap reads a place of the input and not of the padding.
    pub fn inside(&self, tap: usize) -> Range<usize> {
        let first = self.first(tap);
        let count = |places: isize| places.max(0).cast_unsigned().div_ceil(self.stride);
        let end = count(self.input as isize - first).min(self.output);
        count(-first).min(end)..end
    }

    /// The phases that taps read, in rising order.
    pub fn phases(&self) -> Vec<usize> {
        let mut phases: Vec<_> = (0..self.kernel).map(|tap| self.phase(tap)).collect();
        phases.sort_unstable();
        phases.dedup();
        phases
    }

    /// Places of a phase; the last one may lie behind the input.
    pub fn length(&self) -> usize {
        self.input.div_ceil(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn phases_hold_what_taps_read(
            kernel in 1usize..6, stride in 1usize..5, before in 0usize..5, dilation in 1usize..4,
            input in 0usize..12, output in 1usize..12,
        ) {
            let axis = Axis { kernel, stride, before, dilation, input, output };
            for tap in 0..kernel {
                let inside = axis.inside(tap);
                for output in 0..output {
                    let place = (output * stride + tap * dilation).checked_sub(before);
                    let place = place.filter(|&place| place < input);
                    prop_assert_eq!(inside.contains(&output), place.is_some());
                    let Some(place) = place else { continue };
                    let of_phase = output.checked_add_signed(axis.shift(tap)).unwrap();
                    prop_assert!(of_phase < axis.length());
                    prop_assert_eq!(of_phase * stride + axis.phase(tap), place);
                    prop_assert!(axis.phases().contains(&axis.phase(tap)));
                }
            }
        }
    }
}
