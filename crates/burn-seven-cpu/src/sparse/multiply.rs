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

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    /// A weight that keeps about a share of its entries; some rows and columns are empty.
    pub fn weight(inputs: usize, outputs: usize, keep: f64, seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut empty =
            |count: usize| -> Vec<bool> { (0..count).map(|_| rng.random_bool(0.1)).collect() };
        let (rows, columns) = (empty(inputs), empty(outputs));
        let mut rng = StdRng::seed_from_u64(!seed);
        let mut values = Vec::with_capacity(inputs * outputs);
        for row in rows {
            for column in &columns {
                let value = rng.random_range(-1.0f32..1.0);
                let stays = rng.random_bool(keep) && !row && !column;
                values.push(if stays { value } else { 0.0 });
            }
        }
        values
    }

    fn values(count: usize, seed: u64) -> Vec<f32> {
        let mut rng = StdRng::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-1.0f32..1.0)).collect()
    }

    /// The product in float64, without an activation function.
    fn expected(weight: &[f32], input: &[f32], rows: usize, bias: &[f32]) -> Vec<f64> {
        let outputs = bias.len();
        let inputs = weight.len() / outputs;
        let mut output = Vec::with_capacity(rows * outputs);
        for row in 0..rows {
            for (column, &bias) in bias.iter().enumerate() {
                let products = (0..inputs).map(|index| {
                    let weight = f64::from(weight[index * outputs + column]);
                    weight * f64::from(input[row * inputs + index])
                });
                output.push(products.sum::<f64>() + f64::from(bias));
            }
        }
        output
    }

    /// Compares every kernel of this processor with float64.
    fn check(weight: &[f32], inputs: usize, outputs: usize, rows: usize, seed: u64) {
        let packed = Packed::new(weight, inputs, outputs);
        let input = values(rows * inputs, seed);
        let bias = values(outputs, seed + 1);
        let expected = expected(weight, &input, rows, &bias);
        // A sum of n products of at most 1 is off by at most n^2 / 2 roundings of 2^-24.
        let bound = 1e-6 * (1.0 + inputs as f64);
        for level in Level::available() {
            let mut output = vec![7.0; 3];
            multiply_with(
                level,
                &packed,
                &input,
                rows,
                Some(&bias),
                Activation::None,
                &mut output,
            );
            assert_eq!(output.len(), rows * outputs);
            for (found, expected) in output.iter().zip(&expected) {
                let error = (f64::from(*found) - expected).abs();
                assert!(
                    error < bound,
                    "{level:?} {rows}x{inputs}x{outputs}: {found} {expected}"
                );
            }
            let mut rectified = Vec::new();
            multiply_with(
                level,
                &packed,
                &input,
                rows,
                Some(&bias),
                Activation::Relu,
                &mut rectified,
            );
            let zeroed: Vec<f32> = output.iter().map(|value| value.max(0.0)).collect();
            assert_eq!(rectified, zeroed);
        }
    }

    // [1 2] times [[1, 0, 2], [0, 0, 3]] is [1, 0, 8]; the bias is 10, 20, 30.
    #[test]
    fn a_small_product() {
        let packed = Packed::new(&[1.0, 0.0, 2.0, 0.0, 0.0, 3.0], 2, 3);
        let mut output = Vec::new();
        let bias = [10.0, 20.0, 30.0];
        multiply(
            &packed,
            &[1.0, 2.0],
            1,
            Some(&bias),
            Activation::None,
            &mut output,
        );
        assert_eq!(output, [11.0, 20.0, 38.0]);
        multiply(&packed, &[1.0, 2.0], 1, None, Activation::None, &mut output);
        assert_eq!(output, [1.0, 0.0, 8.0]);
    }

    #[test]
    fn dense_empty_and_tiny_weights_at_every_width_of_panel() {
        for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 32, 40, 64, 100, 128] {
            for (inputs, outputs) in [(1, 1), (1, 9), (9, 1), (17, 31), (130, 140), (300, 129)] {
                for keep in [0.0, 0.05, 1.0] {
                    let seed = (rows * inputs + outputs) as u64;
                    check(
                        &weight(inputs, outputs, keep, seed),
                        inputs,
                        outputs,
                        rows,
                        seed,
                    );
                }
                let full = values(inputs * outputs, 5);
                check(&full, inputs, outputs, rows, 6);
                check(&vec![0.0; inputs * outputs], inputs, outputs, rows, 6);
            }
        }
    }

    #[test]
    fn nothing_in_or_out_gives_the_bias_or_nothing() {
        let packed = Packed::new(&[], 0, 3);
        let mut output = Vec::new();
        multiply(
            &packed,
            &[],
            2,
            Some(&[1.0, 2.0, 3.0]),
            Activation::None,
            &mut output,
        );
        assert_eq!(output, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        let packed = Packed::new(&[], 3, 0);
        multiply(&packed, &[0.0; 6], 2, None, Activation::None, &mut output);
        assert!(output.is_empty());
        let packed = Packed::new(&[1.0; 6], 3, 2);
        multiply(&packed, &[], 0, None, Activation::None, &mut output);
        assert!(output.is_empty());
    }

    // What is pruned reads nothing: infinite activations reach only outputs that use them.
    #[test]
    fn infinite_activations_of_pruned_weights_are_not_read() {
        let packed = Packed::new(&[0.0, 1.0, 1.0, 0.0], 2, 2);
        for rows in [1, 2, 3, 8, 32] {
            let input = [f32::INFINITY, 2.0].repeat(rows);
            for level in Level::available() {
                let mut output = Vec::new();
                multiply_with(
                    level,
                    &packed,
                    &input,
                    rows,
                    None,
                    Activation::None,
                    &mut output,
                );
                assert_eq!(output, [2.0, f32::INFINITY].repeat(rows));
            }
        }
    }

    // The same where lanes stay empty: even outputs read even inputs, odd ones some odd inputs.
    #[test]
    fn infinite_activations_do_not_reach_lanes_that_are_filled_up() {
        let (inputs, outputs) = (200, 150);
        let mut weight = vec![0.0; inputs * outputs];
        for (index, weight) in weight.iter_mut().enumerate() {
            let (input, output) = (index / outputs, index % outputs);
            let kept = input % 2 == output % 2 && (output % 2 == 0 || input % 7 == 0);
            *weight = if kept { 1.0 } else { 0.0 };
        }
        let packed = Packed::new(&weight, inputs, outputs);
        let infinite = [f32::INFINITY, 1.0].repeat(inputs / 2);
        for rows in 1..8 {
            for level in Level::available() {
                let (input, mut output) = (infinite.repeat(rows), Vec::new());
                let none = Activation::None;
                multiply_with(level, &packed, &input, rows, None, none, &mut output);
                // 7, 21 and so on, up to 189.
                let expected = [f32::INFINITY, 14.0].repeat(outputs / 2 * rows);
                assert_eq!(output, expected, "{level:?}");
            }
        }
    }

    #[test]
    fn weights_that_are_not_a_number_reach_their_output_alone() {
        let mut weight = weight(100, 130, 0.3, 4);
        weight[50 * 130 + 9] = f32::NAN;
        for packed in [
            Packed::new(&weight, 100, 130),
            Packed::new_bf16(&weight, 100, 130),
        ] {
            for rows in [1, 2, 8] {
                let mut output = Vec::new();
                let input = vec![1.0; 100 * rows];
                multiply(&packed, &input, rows, None, Activation::None, &mut output);
                for (index, value) in output.iter().enumerate() {
                    assert_eq!(value.is_nan(), index % 130 == 9);
                }
            }
        }
    }

    // Whatever kernel takes it, a row gives the same bits alone and among others.
    #[test]
    fn the_bits_of_a_row_do_not_depend_on_the_other_rows() {
        let (inputs, outputs) = (300, 200);
        let weight = weight(inputs, outputs, 0.2, 8);
        let (input, bias) = (values(9 * inputs, 3), values(outputs, 4));
        for packed in [
            Packed::new(&weight, inputs, outputs),
            Packed::new_bf16(&weight, inputs, outputs),
        ] {
            for level in Level::available() {
                let product = |rows: usize, first: usize| {
                    let input = &input[first * inputs..][..rows * inputs];
                    let (bias, none) = (Some(&bias[..]), Activation::None);
                    let mut output = Vec::new();
                    multiply_with(level, &packed, input, rows, bias, none, &mut output);
                    output
                };
                let single: Vec<f32> = (0..9).flat_map(|row| product(1, row)).collect();
                for rows in 2..10 {
                    assert!(
                        product(rows, 0) == single[..rows * outputs],
                        "{level:?} {rows}"
                    );
                }
            }
        }
    }

    // More inputs than outputs and fewer, few panels and many.
    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        for (inputs, outputs) in [(300, 500), (700, 200), (1500, 700)] {
            let weight = weight(inputs, outputs, 0.3, 1);
            for rows in [1, 3, 20, 100, 1000] {
                let input = values(rows * inputs, 2);
                let product = |threads: usize| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    let mut output = Vec::new();
                    pool.expect("a pool").install(|| {
                        let packed = Packed::new(&weight, inputs, outputs);
                        let gelu = Activation::Gelu;
                        multiply(&packed, &input, rows, None, gelu, &mut output);
                    });
                    output
                };
                let one = product(1);
                for threads in [2, 3] {
                    assert!(product(threads) == one, "{rows} rows, {threads} threads");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn products_are_those_of_float64(
            inputs in 1usize..400, outputs in 1usize..300, rows in 1usize..80,
            keep in 0.0f64..1.0, seed in any::<u32>(),
        ) {
            let weight = weight(inputs, outputs, keep, u64::from(seed));
            check(&weight, inputs, outputs, rows, u64::from(seed));
        }

        #[test]
        fn products_with_few_rows_are_those_of_float64(
            inputs in 1usize..700, outputs in 1usize..300, rows in 1usize..9,
            keep in 0.0f64..1.0, seed in any::<u32>(),
        ) {
            let weight = weight(inputs, outputs, keep, u64::from(seed));
            check(&weight, inputs, outputs, rows, u64::from(seed));
        }

        #[test]
        fn rounded_weights_give_the_product_of_the_rounded_weight(
            inputs in 1usize..400, outputs in 1usize..200, rows in 1usize..12,
            keep in 0.0f64..1.0, seed in any::<u32>(),
        ) {
            let weight = weight(inputs, outputs, keep, u64::from(seed));
            let (input, bias) = (values(rows * inputs, 1), values(outputs, 2));
            let packed = Packed::new_bf16(&weight, inputs, outputs);
            let rounded = packed.to_dense();
            for (rounded, weight) in rounded.iter().zip(&weight) {
                prop_assert!((rounded - weight).abs() <= weight.abs() / 256.0);
            }
            let full = Packed::new(&rounded, inputs, outputs);
            for level in Level::available() {
                let product = |packed: &Packed| {
                    let (bias, relu) = (Some(&bias[..]), Activation::Relu);
                    let mut output = Vec::new();
                    multiply_with(level, packed, &input, rows, bias, relu, &mut output);
                    output
                };
                prop_assert_eq!(product(&packed), product(&full));
            }
        }
    }
}
