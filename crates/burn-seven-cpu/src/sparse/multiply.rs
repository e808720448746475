//! The product, cut over panels, blocks and cores.

use burn_seven_kernels::Activation;
use rayon::prelude::*;

use super::shared::Rows;
use super::split::{Part, split};
use super::turn::{self, Turn};
use super::{Block, Level, Packed, activation, kernel, line, panel};

/// Below this many multiplications the cores are not asked.
const LEAST: usize = 1 << 18;

/// `output = activation(input weight + bias)`, on all cores.
///
/// `input` holds rows of the weight's inputs and `output` gets as many rows of its outputs; its
/// former content is given up. Each value is the sum of its products in rising order of inputs,
/// fused or not as the instructions are: the same bits on any number of cores.
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

    let parts = split(rows);
    let size = |part: &Part| (inputs + 1) * part.width; // there are fewer than 65,536
    let shared = Rows::new(output, rows, outputs);
    let one = |block: &Block, part: Part, panel: &[f32]| {
        let job = Job::new(block, part, panel, bias, activation);
        line::with_outputs((job.block.outputs + 1) * part.width, |values| {
            // SAFETY: the level is there, as asserted; each block and part is taken once.
            unsafe { run(level, job, inputs, values, &shared) };
        });
    };
    if rows * weight.nonzeros() < LEAST || rayon::current_num_threads() == 1 {
        // One panel after the other, in the same place.
        let largest = parts.iter().map(size).max().unwrap_or(0);
        line::with_panels(largest, |panel| {
            for part in parts {
                let panel = &mut panel[..size(&part)];
                gather(level, input, inputs, part, panel);
                for block in weight.blocks() {
                    one(block, part, panel);
                }
            }
        });
    } else {
        line::with_panels(parts.iter().map(size).sum(), |mut panels| {
            let mut cut = Vec::with_capacity(parts.len());
            for part in parts {
                let (panel, rest) = std::mem::take(&mut panels).split_at_mut(size(&part));
                cut.push((part, panel));
                panels = rest;
            }
            cut.par_iter_mut()
                .for_each(|(part, panel)| gather(level, input, inputs, *part, panel));
            let jobs = weight.blocks().iter().flat_map(|block| {
                let panels = cut.iter();
                panels.map(move |(part, panel)| (block, *part, &**panel))
            });
            let jobs: Vec<_> = jobs.collect();
            jobs.into_par_iter()
                .for_each(|(block, part, panel)| one(block, part, panel));
        });
    }
    // SAFETY: the parts cover all rows, the blocks all outputs, and each pair of them was run.
    unsafe { shared.finish() };
}

/// One block's outputs for one panel.
#[derive(Debug, Clone, Copy)]
struct Job<'a> {
    block: &'a Block,
    part: Part,
    panel: &'a [f32],
    bias: Option<&'a [f32]>,
    activation: Activation,
}

impl<'a> Job<'a> {
    /// `bias` is that of all outputs.
    fn new(
        block: &'a Block,
        part: Part,
        panel: &'a [f32],
        bias: Option<&'a [f32]>,
        activation: Activation,
    ) -> Self {
        Self {
            block,
            part,
            panel,
            bias: bias.map(|bias| &bias[block.first..][..block.outputs]),
            activation,
        }
    }

    /// What each output begins with, and the place behind them.
    fn start(&self) -> Vec<f32> {
        let mut bias = vec![0.0; self.block.outputs + 1];
        if let Some(given) = self.bias {
            bias[..given.len()].copy_from_slice(given);
        }
        bias
    }

    /// Applies the activation function to the panel of outputs and writes it.
    ///
    /// # Safety
    ///
    /// No other job should be of the same block and part, and the processor have the instructions
    /// of `T`.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn finish<T: Turn>(&self, values: &mut [f32], rows: &Rows<'_>) {
        let count = self.block.outputs;
        activation::apply(self.activation, &mut values[..count * self.part.width]);
        // SAFETY: blocks do not share outputs nor parts rows; the rest is as the caller says.
        unsafe { panel::scatter::<T>(values, self.part, self.block.first, count, rows) };
    }
}

/// Runs a job.
///
/// # Safety
///
/// The processor should have the instructions, `rows` be those of the job's outputs, and no other
/// job be of the same block and part.
#[allow(unsafe_code)]
unsafe fn run(level: Level, job: Job<'_>, inputs: usize, values: &mut [f32], rows: &Rows<'_>) {
    // The vector kernels write without looking.
    let width = job.part.width;
    assert_eq!(job.panel.len(), (inputs + 1) * width, "values of the panel");
    let room = (job.block.outputs + 1) * width;
    assert_eq!(values.len(), room, "values of the outputs");
    match level {
        // SAFETY: as the caller says; plain loops need no more.
        Level::Portable => unsafe { run_portable(job, values, rows) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as the caller says, and the lengths are as just asserted.
        Level::Avx2 => unsafe { run_avx2(job, values, rows) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx512 => unsafe { run_avx512(job, values, rows) },
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: as above.
        Level::Avx2 | Level::Avx512 => unsafe { run_portable(job, values, rows) },
    }
}

/// # Safety
///
/// As [`run`].
#[allow(unsafe_code)]
unsafe fn run_portable(job: Job<'_>, values: &mut [f32], rows: &Rows<'_>) {
    const FUSED: bool = cfg!(target_arch = "aarch64");
    let bias = job.start();
    let Job { block, panel, .. } = job;
    match job.part.width {
        64 => kernel::portable::<64, 1, FUSED>(block, panel, &bias, values),
        32 => kernel::portable::<32, 2, FUSED>(block, panel, &bias, values),
        16 => kernel::portable::<16, 4, FUSED>(block, panel, &bias, values),
        8 => kernel::portable::<8, 4, FUSED>(block, panel, &bias, values),
        _ => kernel::portable::<1, 4, FUSED>(block, panel, &bias, values),
    }
    // SAFETY: as the caller says.
    unsafe { job.finish::<turn::Plain>(values, rows) };
}

/// # Safety
///
/// As [`run`], and panel and values should be of the block's inputs and outputs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code)]
unsafe fn run_avx2(job: Job<'_>, values: &mut [f32], rows: &Rows<'_>) {
    let bias = job.start();
    let Job { block, panel, .. } = job;
    let (from, to) = (panel.as_ptr(), values.as_mut_ptr());
    // SAFETY: as the caller says.
    unsafe {
        match job.part.width {
            64 => kernel::avx2::<8, 1>(block, from, bias.as_ptr(), to),
            32 => kernel::avx2::<4, 2>(block, from, bias.as_ptr(), to),
            16 => kernel::avx2::<2, 4>(block, from, bias.as_ptr(), to),
            8 => kernel::avx2::<1, 4>(block, from, bias.as_ptr(), to),
            _ => kernel::portable::<1, 4, true>(block, panel, &bias, values),
        }
    }
    // SAFETY: as the caller says.
    unsafe { job.finish::<turn::Avx2>(values, rows) };
}

/// # Safety
///
/// As [`run`], and panel and values should be of the block's inputs and outputs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
#[allow(unsafe_code)]
unsafe fn run_avx512(job: Job<'_>, values: &mut [f32], rows: &Rows<'_>) {
    let bias = job.start();
    let Job { block, panel, .. } = job;
    let (from, to) = (panel.as_ptr(), values.as_mut_ptr());
    // SAFETY: as the caller says.
    unsafe {
        match job.part.width {
            64 => kernel::avx512::<4, 4>(block, from, bias.as_ptr(), to),
            32 => kernel::avx512::<2, 4>(block, from, bias.as_ptr(), to),
            16 => kernel::avx512::<1, 4>(block, from, bias.as_ptr(), to),
            8 => kernel::avx2::<1, 4>(block, from, bias.as_ptr(), to),
            _ => kernel::portable::<1, 4, true>(block, panel, &bias, values),
        }
    }
    // SAFETY: as the caller says.
    unsafe { job.finish::<turn::Avx512>(values, rows) };
}

/// Turns a part's rows into its panel, with some instructions, which the processor should have.
#[allow(unsafe_code)]
fn gather(level: Level, input: &[f32], inputs: usize, part: Part, panel: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn wide(input: &[f32], inputs: usize, part: Part, panel: &mut [f32]) {
            // SAFETY: this is compiled for these instructions.
            unsafe { panel::gather::<turn::Avx2>(input, inputs, part, panel) };
        }
        #[target_feature(enable = "avx512f,avx2")]
        #[allow(unsafe_code)]
        fn wider(input: &[f32], inputs: usize, part: Part, panel: &mut [f32]) {
            // SAFETY: this is compiled for these instructions.
            unsafe { panel::gather::<turn::Avx512>(input, inputs, part, panel) };
        }
        if level >= Level::Avx512 {
            // SAFETY: the processor has what `wider` is compiled for.
            return unsafe { wider(input, inputs, part, panel) };
        }
        if level >= Level::Avx2 {
            // SAFETY: the processor has what `wide` is compiled for.
            return unsafe { wide(input, inputs, part, panel) };
        }
    }
    let _ = level;
    // SAFETY: these take no instructions that may be missing.
    unsafe { panel::gather::<turn::Plain>(input, inputs, part, panel) };
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
        let packed = Packed::new(weight, inputs, outputs).expect("a small weight");
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
        let packed = Packed::new(&[1.0, 0.0, 2.0, 0.0, 0.0, 3.0], 2, 3).expect("a small weight");
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
        for rows in [1, 2, 3, 6, 8, 13, 16, 32, 40, 64, 100, 128] {
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
        let packed = Packed::new(&[], 0, 3).expect("a small weight");
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
        let packed = Packed::new(&[], 3, 0).expect("a small weight");
        multiply(&packed, &[0.0; 6], 2, None, Activation::None, &mut output);
        assert!(output.is_empty());
        let packed = Packed::new(&[1.0; 6], 3, 2).expect("a small weight");
        multiply(&packed, &[], 0, None, Activation::None, &mut output);
        assert!(output.is_empty());
    }

    // What is pruned reads nothing: infinite activations reach only outputs that use them.
    #[test]
    fn infinite_activations_of_pruned_weights_are_not_read() {
        let packed = Packed::new(&[0.0, 1.0, 1.0, 0.0], 2, 2).expect("a small weight");
        for rows in [1, 8, 32] {
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

    #[test]
    fn the_bits_do_not_depend_on_the_number_of_threads() {
        let weight = weight(300, 500, 0.3, 1);
        let packed = Packed::new(&weight, 300, 500).expect("a small weight");
        let input = values(100 * 300, 2);
        let product = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let mut output = Vec::new();
            pool.expect("a pool").install(|| {
                multiply(&packed, &input, 100, None, Activation::Gelu, &mut output);
            });
            output
        };
        assert_eq!(product(1), product(3));
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
    }
}
