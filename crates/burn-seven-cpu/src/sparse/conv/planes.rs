//! The planes that panels are copied from: the input's own, or with strides their phases.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::super::Level;
use super::super::line::{self, Lines};
use super::axis::Axis;
use super::take::take;

/// One weight of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Tap {
    /// Its place in the kernel.
    pub place: [usize; 2],
    /// Where it reads for the first output of an image, counted from the channel's first value.
    pub offset: isize,
}

/// How planes lie in memory: `[images, channels, phases of rows, phases of columns, rows, columns]`.
#[derive(Debug)]
pub struct Layout {
    axes: [Axis; 2],
    /// Channels of an image.
    channels: usize,
    phases: [Vec<usize>; 2],
    /// Rows and columns of a phase.
    size: [usize; 2],
    /// Of each tap of an axis the outputs for which it is not in the padding.
    inside: [Vec<Range<usize>>; 2],
}

impl Layout {
    /// The layout for a convolution along these axes.
    pub fn new(axes: [Axis; 2], channels: usize) -> Self {
        Self {
            axes,
            channels,
            phases: axes.map(|axis| axis.phases()),
            size: axes.map(|axis| axis.length()),
            inside: axes.map(|axis| (0..axis.kernel).map(|tap| axis.inside(tap)).collect()),
        }
    }

    /// The axes.
    pub fn axes(&self) -> &[Axis; 2] {
        &self.axes
    }

    /// Of each tap of an axis the outputs for which it reads a value of the input and none of the
    /// padding.
    pub fn inside(&self, axis: usize) -> &[Range<usize>] {
        &self.inside[axis]
    }

    /// Columns of a phase.
    pub fn row(&self) -> usize {
        self.size[1]
    }

    /// Values of a channel.
    pub fn channel(&self) -> usize {
        let phases = self.phases[0].len() * self.phases[1].len();
        phases * self.size[0] * self.size[1]
    }

    /// Values of an image.
    pub fn image(&self) -> usize {
        self.channels * self.channel()
    }

    /// All weights of a kernel, in the order they lie in.
    pub fn taps(&self) -> Vec<Tap> {
        let [height, width] = &self.axes;
        let mut taps = Vec::with_capacity(height.kernel * width.kernel);
        for y in 0..height.kernel {
            for x in 0..width.kernel {
                let index = |axis: usize, phase: usize| {
                    let mut phases = self.phases[axis].iter();
                    phases.position(|&other| other == phase).unwrap_or(0)
                };
                let rows = index(0, height.phase(y)) * self.phases[1].len();
                let phase = rows + index(1, width.phase(x));
                let first = phase * self.size[0] * self.size[1];
                let shift = height.shift(y) * self.size[1] as isize + width.shift(x);
                taps.push(Tap {
                    place: [y, x],
                    offset: first as isize + shift,
                });
            }
        }
        taps
    }

    /// Hands over the planes of an input `[images, channels, height, width]`.
    ///
    /// # Safety
    ///
    /// The processor should have the instructions.
    #[allow(unsafe_code)]
    pub unsafe fn with_planes<R>(
        &self,
        level: Level,
        input: &[f32],
        work: impl FnOnce(&[f32]) -> R,
    ) -> R {
        thread_local! {
            static PLANES: RefCell<Lines> = RefCell::default();
        }
        if self.axes.iter().all(|axis| axis.stride == 1) {
            return work(input);
        }
        let plane = self.axes[0].input * self.axes[1].input;
        let channels = input.len().checked_div(plane).unwrap_or(0);
        // SAFETY: the processor has the level, as the caller says.
        let fill = |planes: &mut [f32], input: &[f32]| unsafe { self.fill(level, input, planes) };
        line::with(&PLANES, channels * self.channel(), |planes| {
            if planes.len() < SMALL {
                let planes = planes.chunks_exact_mut(self.channel().max(1));
                let inputs = input.chunks_exact(plane.max(1));
                planes
                    .zip(inputs)
                    .for_each(|(planes, input)| fill(planes, input));
            } else {
                let planes = planes.par_chunks_exact_mut(self.channel());
                let inputs = input.par_chunks_exact(plane);
                planes
                    .zip(inputs)
                    .with_min_len((SMALL / 2).div_ceil(plane))
                    .for_each(|(planes, input)| fill(planes, input));
            }
            work(planes)
        })
    }

    /// Fills a channel's phases.
    ///
    /// # Safety
    ///
    /// The processor should have the instructions.
    #[allow(unsafe_code)]
    unsafe fn fill(&self, level: Level, input: &[f32], planes: &mut [f32]) {
        let [height, width] = &self.axes;
        let [rows, columns] = self.size;
        let mut planes = planes.chunks_exact_mut(rows * columns);
        for &top in &self.phases[0] {
            for &left in &self.phases[1] {
                let plane = planes.next().unwrap_or_default();
                let inputs = input.chunks_exact(width.input).skip(top);
                let inputs = inputs.step_by(height.stride);
                // Rows behind the input's last are not read.
                for (row, input) in plane.chunks_exact_mut(columns).zip(inputs) {
                    // SAFETY: as the caller says.
                    unsafe { take(level, width.stride, left, input, row) };
                }
            }
        }
    }
}

/// Below this many values the cores are not asked.
const SMALL: usize = 1 << 17;
