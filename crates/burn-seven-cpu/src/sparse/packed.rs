//! A weight made ready for sparse products.

use std::ops::Range;

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
}

impl Packed {
    /// Packs a weight of `inputs` rows and `outputs` columns, given row by row, as Burn's linear
    /// layer holds it. Zeros of either sign are left out.
    ///
    /// # Panics
    ///
    /// When there are not `inputs * outputs` values.
    pub fn new(weight: &[f32], inputs: usize, outputs: usize) -> Self {
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

    /// How many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        self.pieces.bytes()
    }

    /// The weight as it was given, with +0 for what was left out.
    pub fn to_dense(&self) -> Vec<f32> {
        let mut weight = vec![0.0; self.inputs * self.outputs];
        for (chunk, inputs) in self.chunks().enumerate() {
            for (block, outputs) in self.blocks().enumerate() {
                let piece = self.piece(chunk, block);
                piece.visit(inputs.len(), |output, input, value| {
                    let row = (inputs.start + input) * self.outputs;
                    weight[row + outputs.start + output] = value;
                });
            }
        }
        weight
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

    proptest! {
        #[test]
        fn the_weight_comes_back(
            inputs in 1usize..300, outputs in 1usize..300, keep in 0.0f64..1.0, seed in any::<u64>(),
        ) {
            let weight = super::super::multiply::tests::weight(inputs, outputs, keep, seed);
            let packed = Packed::new(&weight, inputs, outputs);
            prop_assert_eq!(packed.nonzeros(), weight.iter().filter(|value| **value != 0.0).count());
            prop_assert_eq!(packed.to_dense(), weight);
        }
    }
}
