//! The convolution, cut over panels, blocks and cores.

use std::ops::Range;

use burn_seven_kernels::Activation;
use rayon::prelude::*;

use super::super::run::Step;
use super::super::shared::Rows;
use super::super::split::Part;
use super::super::{Level, activation, line};
use super::gather::{Channels, gather};
use super::lanes::Lanes;
use super::packed::{Group, PackedConvolution};
use super::planes::{Layout, Tap};
use super::split::split;

/// Below this many multiplications the cores are not asked.
const LEAST: usize = 1 << 20;

/// With so many parts for each core some cores may get one more.
const MANY: usize = 4;

/// The input of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Images<'a> {
    /// Shape `[batch, channels, height, width]`.
    pub values: &'a [f32],
    /// How many there are.
    pub batch: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
}

/// `output = activation(convolution of the images + bias)`, on all cores.
///
/// `bias` has a value for each output. `output` gets the shape `[batch, outputs, height, width]`
/// with the [size of the output](super::Convolution::output_size); its former content is given up.
/// Each value is the sum of its products in the order of the weight's values, fused or not as the
/// instructions are: the same bits on any number of cores.
///
/// # Panics
///
/// When the kernel does not fit into the padded images, or the images or the bias have another
/// number of values than their sizes say.
pub fn convolve(
    weight: &PackedConvolution,
    images: Images<'_>,
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut Vec<f32>,
) {
    convolve_with(Level::best(), weight, images, bias, activation, output);
}

/// The same with some instructions.
///
/// # Panics
///
/// As [`convolve`], and when the processor does not have the instructions.
#[allow(unsafe_code)]
pub fn convolve_with(
    level: Level,
    weight: &PackedConvolution,
    images: Images<'_>,
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut Vec<f32>,
) {
    assert!(level <= Level::best(), "the processor has no {level:?}");
    let shape = weight.shape();
    let Images {
        values,
        batch,
        height,
        width,
    } = images;
    let sizes = [shape.channels, height, width];
    let count = sizes.iter().try_fold(batch, |a, b| a.checked_mul(*b));
    assert_eq!(Some(values.len()), count, "values of the images");
    let biases = bias.map_or(shape.outputs, <[f32]>::len);
    assert_eq!(biases, shape.outputs, "values of the bias");
    let axes = shape.axes(height, width);
    let axes = axes.expect("the kernel should fit into the padded images");

    let plane = axes[0].output.checked_mul(axes[1].output);
    let plane = plane.expect("values of the output should be countable");
    let rows = batch.checked_mul(shape.outputs);
    let rows = rows.expect("values of the output should be countable");
    let rows = Rows::new(output, rows, plane);
    // There are no more than that, or no outputs.
    let positions = batch.saturating_mul(plane);
    if shape.outputs > 0 {
        let layout = Layout::new(axes, shape.channels);
        let taps = layout.taps();
        let work = |planes: &[f32]| {
            let product = Product {
                level,
                weight,
                planes,
                layout: &layout,
                taps: &taps,
                bias,
                activation,
                rows: &rows,
            };
            product.run(positions);
        };
        // SAFETY: the processor has the level, as asserted above.
        unsafe { layout.with_planes(level, values, work) };
    }
    // SAFETY: all positions of all outputs were written.
    unsafe { rows.finish() };
}

/// A convolution.
struct Product<'a> {
    /// The processor has it.
    level: Level,
    weight: &'a PackedConvolution,
    /// Of all images.
    planes: &'a [f32],
    layout: &'a Layout,
    /// The layout's.
    taps: &'a [Tap],
    bias: Option<&'a [f32]>,
    activation: Activation,
    /// `[batch * outputs, positions of a plane]`.
    rows: &'a Rows<'a>,
}

impl Product<'_> {
    /// Everything.
    fn run(&self, positions: usize) {
        let groups = self.weight.groups();
        let parts = split(positions);
        let threads = rayon::current_num_threads();
        let work = positions.saturating_mul(self.weight.nonzeros());
        // Each part and block of each group is taken once.
        if work < LEAST || threads == 1 {
            parts.into_iter().for_each(|part| self.part(part));
        } else if parts.len().is_multiple_of(threads) || parts.len() >= MANY * threads {
            parts.into_par_iter().for_each(|part| self.part(part));
        } else {
            let blocks = groups.iter().enumerate().flat_map(|(index, group)| {
                let blocks = 0..group.weight.blocks().len();
                blocks.map(move |block| (index, block))
            });
            let jobs = parts.iter().flat_map(|part| {
                let blocks = blocks.clone();
                blocks.map(move |(group, block)| (*part, group, block))
            });
            let jobs: Vec<_> = jobs.collect();
            jobs.into_par_iter().for_each(|(part, group, block)| {
                let lanes = Lanes::new(self.layout, self.taps, part);
                self.blocks(&lanes, group, block..block + 1);
            });
        }
    }

    /// All outputs of a part of the positions.
    fn part(&self, part: Part) {
        let lanes = Lanes::new(self.layout, self.taps, part);
        for (index, group) in self.weight.groups().iter().enumerate() {
            self.blocks(&lanes, index, 0..group.weight.blocks().len());
        }
    }

    /// Some blocks of a group, for some lanes.
    #[allow(unsafe_code)]
    fn blocks(&self, lanes: &Lanes, group: usize, blocks: Range<usize>) {
        let Group {
            channels: read,
            weight,
        } = &self.weight.groups()[group];
        let room = |places: &Range<usize>| (places.len() + 1) * lanes.width;
        let largest = weight.chunks().map(|inputs| room(&inputs)).max();
        let outputs = weight.blocks().enumerate();
        let outputs = outputs.filter(|(block, _)| blocks.contains(block));
        let all = outputs.clone().map(|(_, outputs)| room(&outputs)).sum();
        let channels = Channels {
            planes: self.planes,
            first: group * self.channels() * self.layout.channel(),
            step: self.layout.channel(),
            read,
        };
        line::with_both(largest.unwrap_or(0), all, |panel, values| {
            for (chunk, inputs) in weight.chunks().enumerate() {
                let panel = &mut panel[..room(&inputs)];
                // SAFETY: the processor has the level; lanes and taps are of the planes' layout.
                unsafe { gather(self.level, channels, lanes, inputs.clone(), panel) };
                let mut rest = &mut *values;
                for (block, outputs) in outputs.clone() {
                    let values;
                    (values, rest) = rest.split_at_mut(room(&outputs));
                    let bias = (chunk == 0).then(|| self.start(group, &outputs));
                    let step = Step {
                        piece: weight.piece(chunk, block),
                        inputs: inputs.len(),
                        outputs: outputs.len(),
                        width: lanes.width,
                        panel,
                        bias: bias.as_deref(),
                    };
                    // SAFETY: the processor has the level, and the piece is of this chunk and
                    // block.
                    unsafe { step.run(self.level, values) };
                }
            }
            let mut rest = values;
            for (_, outputs) in outputs {
                let values;
                (values, rest) = rest.split_at_mut(room(&outputs));
                self.finish(lanes, group, &outputs, values);
            }
        });
    }

    /// What each output of a group's block begins with, and the place behind them.
    fn start(&self, group: usize, outputs: &Range<usize>) -> Vec<f32> {
        let mut start = vec![0.0; outputs.len() + 1];
        if let Some(bias) = self.bias {
            let first = self.first(group) + outputs.start;
            start[..outputs.len()].copy_from_slice(&bias[first..][..outputs.len()]);
        }
        start
    }

    /// Channels of a group.
    fn channels(&self) -> usize {
        self.weight.shape().channels / self.weight.shape().groups
    }

    /// The first output of a group.
    fn first(&self, group: usize) -> usize {
        group * self.weight.groups()[group].weight.outputs()
    }

    /// Applies the activation function to a block's outputs and writes them.
    #[allow(unsafe_code)]
    fn finish(&self, lanes: &Lanes, group: usize, outputs: &Range<usize>, values: &mut [f32]) {
        let count = outputs.len();
        let values = &mut values[..count * lanes.width];
        activation::apply(self.activation, values);
        for write in &lanes.writes {
            let first = write.image * self.weight.shape().outputs + self.first(group);
            let top = first + outputs.start;
            // SAFETY: parts do not share positions nor blocks outputs, and each is taken once.
            let place = unsafe { self.rows.place(top, write.position, count, write.count) };
            for (output, values) in values.chunks_exact(lanes.width).enumerate() {
                let values = &values[write.lane..][..write.count];
                // Of known lengths, so that no function is called.
                let (vectors, rest) = values.as_chunks::<16>();
                for (index, values) in vectors.iter().enumerate() {
                    place.write(output, index * 16, values);
                }
                let first = vectors.len() * 16;
                let (vectors, rest) = rest.as_chunks::<4>();
                for (index, values) in vectors.iter().enumerate() {
                    place.write(output, first + index * 4, values);
                }
                let first = first + vectors.len() * 4;
                for (index, value) in rest.iter().enumerate() {
                    place.write(output, first + index, &[*value]);
                }
            }
        }
    }
}
