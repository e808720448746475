//! The product, cut over panels, blocks and cores.

use std::ops::Range;

use burn_seven_kernels::Activation;
use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::few;
use super::panel::Input;
use super::run::{self, Step};
use super::shared::Rows;
use super::split::{Part, split};
use super::{Level, Packed, line};

/// Below this many multiplications the cores are not asked.
const LEAST: usize = 1 << 18;

/// With so many parts for each core some cores may get one more.
const MANY: usize = 4;

/// `output = activation(input weight + bias)`, on all cores.
///
/// `input` holds rows of the weight's inputs and `output` gets as many rows of its outputs; its
/// former content is given up. Each value is the sum of its products in rising order of inputs,
/// fused or not as the instructions are: the same bits on any number of cores, and whatever other rows
/// there are.
///
/// # Panics
///
/// When `input` is no whole number of rows, or `bias` has another length than the outputs.
pub fn multiply(
    weight: &Packed,
    input: &[f32],
    rows: usize,
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut Vec<f32>,
) {
    multiply_with(Level::best(), weight, input, rows, bias, activation, output);
}

/// The same with some instructions.
///
/// # Panics
///
/// As [`multiply`], and when the processor does not have the instructions.
#[allow(unsafe_code)]
pub fn multiply_with(
    level: Level,
    weight: &Packed,
    input: &[f32],
    rows: usize,
    bias: Option<&[f32]>,
    activation: Activation,
    output: &mut Vec<f32>,
) {
    assert!(level <= Level::best(), "the processor has no {level:?}");
    let (inputs, outputs) = (weight.inputs(), weight.outputs());
    let values = rows.checked_mul(inputs);
    assert_eq!(Some(input.len()), values, "values of the input");
    let biases = bias.map_or(outputs, <[f32]>::len);
    assert_eq!(biases, outputs, "values of the bias");

    let rows_out = Rows::new(output, rows, outputs);
    let product = Product {
        level,
        weight,
        input: Input {
            values: input,
            inputs,
        },
        bias,
        activation,
        rows: &rows_out,
    };
    let threads = rayon::current_num_threads();
    let large = rows * weight.nonzeros() >= LEAST && threads > 1;
    let parts = product.panels(rows, large);
    let alike = parts.first().map(|part| part.width) == parts.last().map(|part| part.width);
    // Each part and block is taken once.
    if !large {
        parts.into_iter().for_each(|part| product.part(part));
    } else if alike && parts.len().is_multiple_of(threads) || parts.len() >= MANY * threads {
        parts.into_par_iter().for_each(|part| product.part(part));
    } else if parts.len() < threads {
        product.by_shares(&parts, threads.div_ceil(parts.len().max(1)));
    } else {
        product.on_all_cores(&parts);
    }
    // SAFETY: the parts cover all rows, the blocks all outputs, and each pair of them was run.
    unsafe { rows_out.finish() };
}

/// A product.
struct Product<'a> {
    /// The processor has it.
    level: Level,
    weight: &'a Packed,
    input: Input<'a>,
    bias: Option<&'a [f32]>,
    activation: Activation,
    /// Its caller takes each part and block once.
    rows: &'a Rows<'a>,
}

impl Product<'_> {
    /// The parts of the rows that are panels; the rows that are not are computed here, on all cores
    /// if the product is `large`.
    #[allow(unsafe_code)]
    fn panels(&self, rows: usize, large: bool) -> Vec<Part> {
        let widest = self.weight.widest();
        #[cfg(target_arch = "x86_64")]
        if self.level == Level::Avx512 && few::available() && self.weight.few_pays() {
            let mut parts = split(rows, widest, few::ROWS);
            if let Some(part) = parts.pop_if(|part| part.width == 1) {
                let product = few::Product {
                    level: self.level,
                    input: self.input,
                    bias: self.bias,
                    activation: self.activation,
                    rows: self.rows,
                    large,
                };
                // SAFETY: the instructions are there, and the part is taken once.
                unsafe { product.run(self.weight.few(), part) };
            }
            return parts;
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = large;
        split(rows, widest, 1)
    }

    /// All outputs of a part of the rows.
    fn part(&self, part: Part) {
        match self.weight.by_chunks() {
            true => self.by_chunks(part),
            false => self.by_blocks(part),
        }
    }

    /// Block after block, each with all inputs.
    fn by_blocks(&self, part: Part) {
        line::with_panels(self.room(part), |panels| {
            self.gather_all(part, panels);
            for (block, outputs) in self.weight.blocks().enumerate() {
                self.block(block, outputs, part, panels);
            }
        });
    }

    /// Chunk after chunk of inputs, each with all blocks.
    fn by_chunks(&self, part: Part) {
        let (weight, width) = (self.weight, part.width);
        let largest = weight.chunks().map(|inputs| room(&inputs, part)).max();
        let all = weight.blocks().map(|outputs| room(&outputs, part)).sum();
        let last = weight.chunks().len() - 1; // there is at least one
        line::with_both(largest.unwrap_or(0), all, |panel, values| {
            for (chunk, inputs) in weight.chunks().enumerate() {
                let panel = &mut panel[..room(&inputs, part)];
                self.gather(part, &inputs, panel);
                let mut rest = &mut *values;
                for (block, outputs) in weight.blocks().enumerate() {
                    let values;
                    (values, rest) = rest.split_at_mut(room(&outputs, part));
                    let bias = (chunk == 0).then(|| self.start(&outputs));
                    let step = Step {
                        piece: weight.piece(chunk, block),
                        inputs: inputs.len(),
                        outputs: outputs.len(),
                        width,
                        panel,
                        bias: bias.as_deref(),
                    };
                    self.step(step, values);
                    if chunk == last {
                        self.finish(values, &outputs, part);
                    }
                }
            }
        });
    }

    /// All of it, each part by so many cores at once that share its blocks. Each fills panels of its
    /// own: that is less work than to fetch them from another core's cache, and to wait for them.
    fn by_shares(&self, parts: &[Part], shares: usize) {
        let blocks: Vec<_> = self.weight.blocks().enumerate().collect();
        let each = blocks.len().div_ceil(shares).max(1);
        let jobs = parts.iter().flat_map(|part| {
            let shares = blocks.chunks(each);
            shares.map(move |share| (*part, share))
        });
        let jobs: Vec<_> = jobs.collect();
        jobs.into_par_iter().for_each(|(part, share)| {
            line::with_panels(self.room(part), |panels| {
                self.gather_all(part, panels);
                for (block, outputs) in share {
                    self.block(*block, outputs.clone(), part, panels);
                }
            });
        });
    }

    /// All of it, on all cores, though there are few parts.
    fn on_all_cores(&self, parts: &[Part]) {
        let all = parts.iter().map(|part| self.room(*part)).sum();
        line::with_panels(all, |panels| {
            let (mut rest, mut chunks) = (&mut *panels, Vec::new());
            for part in parts {
                for inputs in self.weight.chunks() {
                    let panel;
                    (panel, rest) = rest.split_at_mut(room(&inputs, *part));
                    chunks.push((*part, inputs, panel));
                }
            }
            chunks
                .into_par_iter()
                .for_each(|(part, inputs, panel)| self.gather(part, &inputs, panel));
            let (mut rest, mut cut) = (&*panels, Vec::with_capacity(parts.len()));
            for part in parts {
                let panels;
                (panels, rest) = rest.split_at(self.room(*part));
                cut.push((*part, panels));
            }
            let jobs = self.weight.blocks().enumerate().flat_map(|block| {
                let panels = cut.iter();
                panels.map(move |(part, panels)| (block.clone(), *part, *panels))
            });
            let jobs: Vec<_> = jobs.collect();
            jobs.into_par_iter()
                .for_each(|((block, outputs), part, panels)| {
                    self.block(block, outputs, part, panels);
                });
        });
    }

    /// A block's outputs, from the panels of all chunks.
    fn block(&self, block: usize, outputs: Range<usize>, part: Part, mut panels: &[f32]) {
        let (weight, width) = (self.weight, part.width);
        let pieces = (0..weight.chunks().len()).map(|chunk| weight.piece(chunk, block));
        let start = self.start(&outputs);
        line::with_outputs(room(&outputs, part), |values| {
            let mut bias = Some(&start[..]);
            for (piece, inputs) in pieces.zip(weight.chunks()) {
                let panel;
                (panel, panels) = panels.split_at(room(&inputs, part));
                let step = Step {
                    piece,
                    inputs: inputs.len(),
                    outputs: outputs.len(),
                    width,
                    panel,
                    bias: bias.take(),
                };
                self.step(step, values);
            }
            self.finish(values, &outputs, part);
        });
    }

    /// Values of the panels of all chunks of inputs.
    fn room(&self, part: Part) -> usize {
        let chunks = self.weight.chunks();
        chunks.map(|inputs| room(&inputs, part)).sum()
    }

    /// Fills the panels of all chunks.
    fn gather_all(&self, part: Part, mut rest: &mut [f32]) {
        for inputs in self.weight.chunks() {
            let panel;
            (panel, rest) = rest.split_at_mut(room(&inputs, part));
            self.gather(part, &inputs, panel);
        }
    }

    #[allow(unsafe_code)]
    fn gather(&self, part: Part, inputs: &Range<usize>, panel: &mut [f32]) {
        // SAFETY: the processor has the level.
        unsafe { run::gather(self.level, self.input, part, inputs.clone(), panel) };
    }

    /// The step's piece should be of its inputs and outputs.
    #[allow(unsafe_code)]
    fn step(&self, step: Step<'_>, values: &mut [f32]) {
        // SAFETY: the processor has the level; the rest is as the caller says.
        unsafe { step.run(self.level, values) };
    }

    /// Writes a block's outputs of a part.
    #[allow(unsafe_code)]
    fn finish(&self, values: &mut [f32], outputs: &Range<usize>, part: Part) {
        let (top, left) = (part.first, outputs.start);
        // SAFETY: blocks do not share outputs nor parts rows, and each is taken once; the processor
        // has the level.
        unsafe {
            let place = self.rows.place(top, left, part.rows, outputs.len());
            run::finish(self.level, self.activation, values, part.width, &place);
        }
    }

    /// What each output of a block begins with, and the place behind them.
    fn start(&self, outputs: &Range<usize>) -> Vec<f32> {
        let mut start = vec![0.0; outputs.len() + 1];
        if let Some(bias) = self.bias {
            start[..outputs.len()].copy_from_slice(&bias[outputs.clone()]);
        }
        start
    }
}

/// Values of a part's panel of some inputs or outputs, and of one more.
fn room(places: &Range<usize>, part: Part) -> usize {
    (places.len() + 1) * part.width
}
