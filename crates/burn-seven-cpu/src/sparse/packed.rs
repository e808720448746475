//! A weight made ready for sparse products.

use std::ops::Range;
#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

use super::bf16;
#[cfg(target_arch = "x86_64")]
use super::few::{self, Few};
use super::pieces::{Entry, Piece, Pieces};

/// Outputs of a block, at most: their results of one panel stay in the second-level cache beside a
/// chunk's activations in the first. Measured.
const BLOCK: usize = 384;

/// Outputs of a block, at least, where there are more threads than blocks.
const LEAST: usize = 64;

/// How a weight is cut.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// Inputs of a chunk: fewer stay in the nearest cache, more need their outputs less often.
    chunk: usize,
    /// Rows of the widest panel: in wider ones weights are needed less often, of narrower ones more
    /// inputs stay in the nearest cache.
    panel: usize,
}

/// By the density above which they are taken, from the densest on. Measured.
const SHAPES: [(f64, Shape); 2] = [
    (
        0.15,
        Shape {
            chunk: 128,
            panel: 64,
        },
    ),
    (
        0.07,
        Shape {
            chunk: 192,
            panel: 64,
        },
    ),
];

/// Below all of these.
const SPARSEST: Shape = Shape {
    chunk: 256,
    panel: 32,
};

/// A sparse weight matrix, packed for [`multiply`](super::multiply).
///
/// A non-zero takes about 6 bytes. If the processor has AVX-512 with VBMI, the first product with
/// few rows, which are 1 to 4 or what is left of more, lays the weight out a second time: that takes
/// as long as packing did, and memory for each non-zero of 5 bytes more at 50 % zeros, 6.5 at 90 %
/// and 8 at 95 %; with weights [rounded](Self::new_bf16) three fifths of that.
#[derive(Debug, Clone)]
pub struct Packed {
    inputs: usize,
    outputs: usize,
    nonzeros: usize,
    shape: Shape,
    /// Outputs of a block.
    block: usize,
    /// In the order they are used in.
    pieces: Pieces,
    /// Whether bfloat16 can hold all weights.
    rounded: bool,
    /// Whether products with few rows are faster with the weight laid out for them.
    #[cfg(target_arch = "x86_64")]
    few_pays: bool,
    /// Laid out so when such a product is asked for.
    #[cfg(target_arch = "x86_64")]
    few: OnceLock<Few>,
}

impl Packed {
    /// Packs a weight of `inputs` rows and `outputs` columns, given row by row, as Burn's linear
    /// layer holds it. Zeros of either sign are left out.
    ///
    /// # Panics
    ///
    /// When there are not `inputs * outputs` values.
    pub fn new(weight: &[f32], inputs: usize, outputs: usize) -> Self {
        Self::pack(weight, inputs, outputs, false)
    }

    /// The same with weights rounded to bfloat16, that is to 8 significant bits: with few rows half
    /// as many bytes are read for them, and arithmetic stays in float32.
    ///
    /// Each weight is off by at most 2^-8 of itself, and by at most 2^-134 below 2^-126, where it
    /// may become 0. What is finite stays so.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn new_bf16(weight: &[f32], inputs: usize, outputs: usize) -> Self {
        let weight: Vec<f32> = weight.iter().map(|value| bf16::round(*value)).collect();
        Self::pack(&weight, inputs, outputs, true)
    }

    fn pack(weight: &[f32], inputs: usize, outputs: usize, rounded: bool) -> Self {
        let entries = inputs.checked_mul(outputs);
        assert_eq!(Some(weight.len()), entries, "values of the weight");
        let nonzeros = weight.iter().filter(|value| **value != 0.0).count();
        let density = nonzeros as f64 / weight.len().max(1) as f64;
        let shape = SHAPES.iter().find(|(above, _)| density > *above);
        let shape = shape.map_or(SPARSEST, |(_, shape)| *shape);
        // Sums do not depend on the blocks.
        let share = outputs.div_ceil(rayon::current_num_threads());
        let block = share.next_multiple_of(LEAST).clamp(LEAST, BLOCK);
        let mut packed = Self {
            inputs,
            outputs,
            nonzeros,
            shape,
            block,
            pieces: Pieces::default(),
            rounded,
            #[cfg(target_arch = "x86_64")]
            few_pays: few_pays(weight, inputs, outputs),
            #[cfg(target_arch = "x86_64")]
            few: OnceLock::new(),
        };
        let (chunks, blocks) = (packed.chunks(), packed.blocks());
        let order: Vec<_> = match packed.by_chunks() {
            true => chunks
                .flat_map(|inputs| blocks.clone().map(move |outputs| (inputs.clone(), outputs)))
                .collect(),
            false => blocks
                .flat_map(|outputs| chunks.clone().map(move |inputs| (inputs, outputs.clone())))
                .collect(),
        };
        let mut columns = vec![Vec::new(); block];
        for (inputs, outputs) in order {
            let columns = &mut columns[..outputs.len()];
            columns.iter_mut().for_each(Vec::clear);
            for (input, row) in inputs.clone().enumerate() {
                let row = &weight[row * packed.outputs..][outputs.clone()];
                for (column, &value) in columns.iter_mut().zip(row) {
                    if value != 0.0 {
                        let input = input as u16; // chunks are small
                        column.push(Entry { input, value });
                    }
                }
            }
            // All outputs start in the first chunk.
            let all = inputs.start == 0;
            packed.pieces.push(columns, inputs.len() as u16, all);
        }
        packed.pieces.shrink();
        packed
    }

    /// How many inputs it reads.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How many outputs it gives.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// How many weights are not 0.
    pub fn nonzeros(&self) -> usize {
        self.nonzeros
    }

    /// Whether the weights were rounded to bfloat16.
    pub fn is_bf16(&self) -> bool {
        self.rounded
    }

    /// How many bytes it takes in memory, as it is laid out by now.
    pub fn bytes(&self) -> usize {
        #[cfg(target_arch = "x86_64")]
        let few = self.few.get();
        #[cfg(target_arch = "x86_64")]
        return self.pieces.bytes() + few.map_or(0, Few::bytes);
        #[cfg(not(target_arch = "x86_64"))]
        self.pieces.bytes()
    }

    /// The weight as it was given, with +0 for what was left out.
    pub fn to_dense(&self) -> Vec<f32> {
        let mut weight = vec![0.0; self.inputs * self.outputs];
        self.visit(|input, output, value| weight[input * self.outputs + output] = value);
        weight
    }

    /// Hands each non-zero to `visit`, those of an output by rising inputs: input, output, weight.
    fn visit(&self, mut visit: impl FnMut(usize, usize, f32)) {
        for (chunk, inputs) in self.chunks().enumerate() {
            for (block, outputs) in self.blocks().enumerate() {
                let piece = self.piece(chunk, block);
                piece.visit(inputs.len(), |output, input, value| {
                    visit(inputs.start + input, outputs.start + output, value);
                });
            }
        }
    }

    /// Whether products with few rows are faster with the weight laid out for them.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn few_pays(&self) -> bool {
        self.few_pays
    }

    /// The weight laid out for few rows.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn few(&self) -> &Few {
        self.few.get_or_init(|| {
            let mut outputs = vec![Vec::new(); self.outputs];
            self.visit(|input, output, value| outputs[output].push((input as u32, value)));
            Few::new(&outputs, self.rounded)
        })
    }

    /// Whether all outputs of a chunk of inputs come before the next chunk. Otherwise all inputs of
    /// a block of outputs come before the next block.
    ///
    /// The panel of all inputs or of all outputs, whichever is larger, so never is needed whole.
    pub(super) fn by_chunks(&self) -> bool {
        self.inputs > self.outputs
    }

    /// Rows of the widest panel.
    pub(super) fn widest(&self) -> usize {
        self.shape.panel
    }

    /// The inputs of each chunk, of which there is at least one.
    pub(super) fn chunks(&self) -> impl ExactSizeIterator<Item = Range<usize>> + Clone + use<> {
        chunks(self.inputs, self.shape.chunk)
    }

    /// The outputs of each block.
    pub(super) fn blocks(&self) -> impl ExactSizeIterator<Item = Range<usize>> + Clone + use<> {
        cut(self.outputs, self.block)
    }

    /// What a block reads of a chunk.
    pub(super) fn piece(&self, chunk: usize, block: usize) -> Piece<'_> {
        self.pieces.get(match self.by_chunks() {
            true => chunk * self.blocks().len() + block,
            false => block * self.chunks().len() + chunk,
        })
    }
}

/// Whether a product with few rows is faster with the weight laid out for it.
#[cfg(target_arch = "x86_64")]
fn few_pays(weight: &[f32], inputs: usize, outputs: usize) -> bool {
    // Inputs and outputs are counted in 32 bits there.
    let countable = u32::try_from(inputs.max(outputs)).is_ok();
    let mut counts = vec![0; outputs];
    for row in weight.chunks_exact(outputs.max(1)) {
        for (count, &value) in counts.iter_mut().zip(row) {
            *count += usize::from(value != 0.0);
        }
    }
    countable && few::pays(&counts, inputs)
}

fn chunks(inputs: usize, size: usize) -> impl ExactSizeIterator<Item = Range<usize>> + Clone {
    let firsts = (0..inputs.max(1)).step_by(size);
    firsts.map(move |first| first..inputs.min(first + size))
}

fn cut(count: usize, size: usize) -> impl ExactSizeIterator<Item = Range<usize>> + Clone {
    let firsts = (0..count).step_by(size);
    firsts.map(move |first| first..count.min(first + size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_of_either_sign_are_left_out_and_nan_is_kept() {
        let weight = [0.0, 1.0, -0.0, f32::NAN, 2.0, 0.0];
        let packed = Packed::new(&weight, 2, 3);
        assert_eq!(packed.nonzeros(), 3);
        let back = packed.to_dense();
        assert!(back[3].is_nan());
        assert_eq!(back[..3], [0.0, 1.0, 0.0]);
        assert_eq!(back[2].to_bits(), 0);
        assert_eq!(back[4..], [2.0, 0.0]);
    }

    #[test]
    fn a_weight_without_inputs_or_outputs_is_packed() {
        for (inputs, outputs) in [(0, 3), (3, 0), (0, 0)] {
            let packed = Packed::new(&[], inputs, outputs);
            assert_eq!((packed.nonzeros(), packed.to_dense().len()), (0, 0));
        }
    }

    #[test]
    fn any_number_of_inputs_is_packed() {
        let mut weight = vec![0.0; 70_000];
        weight[69_999] = 1.0;
        assert_eq!(Packed::new(&weight, 70_000, 1).to_dense(), weight);
    }

    #[test]
    fn the_second_layout_is_counted_once_it_is_there() {
        let weight = super::super::tests::weight(300, 200, 0.1, 1);
        let mut sizes = Vec::new();
        for packed in [
            Packed::new(&weight, 300, 200),
            Packed::new_bf16(&weight, 300, 200),
        ] {
            let before = packed.bytes();
            let mut output = Vec::new();
            let none = burn_seven_kernels::Activation::None;
            super::super::multiply(&packed, &[1.0; 300], 1, None, none, &mut output);
            sizes.push(packed.bytes() - before);
        }
        #[cfg(target_arch = "x86_64")]
        if few::available() {
            assert!(sizes[1] > 0 && sizes[1] * 3 < sizes[0] * 2);
            return;
        }
        assert_eq!(sizes, [0, 0]);
    }

    proptest! {
        #[test]
        fn the_weight_comes_back(
            inputs in 1usize..300, outputs in 1usize..300, keep in 0.0f64..1.0, seed in any::<u64>(),
        ) {
            let weight = super::super::tests::weight(inputs, outputs, keep, seed);
            let packed = Packed::new(&weight, inputs, outputs);
            prop_assert_eq!(packed.nonzeros(), weight.iter().filter(|value| **value != 0.0).count());
            prop_assert_eq!(packed.to_dense(), weight);
        }
    }
}
