//! A weight made ready for sparse products.

use super::{Block, Entry};

/// Outputs of a block, at most: their results of one panel stay in the second-level cache beside a
/// chunk's activations in the first.
const BLOCK: usize = 192;

/// Outputs of a block, at least, where there are more threads than blocks.
const LEAST: usize = 64;

/// Inputs of a chunk, by the density above which it is taken: fewer stay in the nearest cache, more
/// need their outputs less often. Measured.
const CHUNKS: [(f64, usize); 3] = [(0.15, 128), (0.07, 192), (0.0, 256)];

/// A sparse weight matrix, packed for [`multiply`](super::multiply).
#[derive(Debug, Clone)]
pub struct Packed {
    inputs: usize,
    outputs: usize,
    nonzeros: usize,
    blocks: Vec<Block>,
}

impl Packed {
    /// Packs a weight of `inputs` rows and `outputs` columns, given row by row, as Burn's linear
    /// layer holds it. Zeros of either sign are left out.
    ///
    /// None where it has more than 65,535 inputs, or more outputs than 32 bits can count.
    ///
    /// # Panics
    ///
    /// When there are not `inputs * outputs` values.
    pub fn new(weight: &[f32], inputs: usize, outputs: usize) -> Option<Self> {
        let entries = inputs.checked_mul(outputs);
        assert_eq!(Some(weight.len()), entries, "values of the weight");
        // The input behind the last one has a number too.
        if u16::try_from(inputs).is_err() || u32::try_from(outputs).is_err() {
            return None;
        }
        let nonzeros = weight.iter().filter(|value| **value != 0.0).count();
        let density = nonzeros as f64 / weight.len().max(1) as f64;
        let chunk = CHUNKS.iter().find(|(above, _)| density > *above);
        let chunk = chunk.map_or(inputs.max(1), |(_, chunk)| *chunk);
        // Sums do not depend on the blocks.
        let share = outputs.div_ceil(rayon::current_num_threads());
        let block = share.next_multiple_of(LEAST).clamp(LEAST, BLOCK);
        let mut blocks = Vec::with_capacity(outputs.div_ceil(block));
        for first in (0..outputs).step_by(block) {
            let count = block.min(outputs - first);
            let mut columns = vec![Vec::new(); count];
            for input in 0..inputs {
                let row = &weight[input * outputs + first..][..count];
                for (column, &value) in columns.iter_mut().zip(row) {
                    if value != 0.0 {
                        let input = input as u16;
                        column.push(Entry { input, value });
                    }
                }
            }
            blocks.push(Block::new(first, &columns, inputs, chunk));
        }
        Some(Self {
            inputs,
            outputs,
            nonzeros,
            blocks,
        })
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
        self.blocks.iter().map(Block::bytes).sum()
    }

    /// The weight as it was given, with +0 for what was left out.
    pub fn to_dense(&self) -> Vec<f32> {
        let mut weight = vec![0.0; self.inputs * self.outputs];
        for block in &self.blocks {
            block.visit(self.inputs, |output, input, value| {
                weight[input * self.outputs + output] = value;
            });
        }
        weight
    }

    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_of_either_sign_are_left_out_and_nan_is_kept() {
        let weight = [0.0, 1.0, -0.0, f32::NAN, 2.0, 0.0];
        let packed = Packed::new(&weight, 2, 3).expect("a small weight");
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
            let packed = Packed::new(&[], inputs, outputs).expect("a small weight");
            assert_eq!((packed.nonzeros(), packed.to_dense().len()), (0, 0));
        }
    }

    #[test]
    fn more_inputs_than_can_be_numbered_are_not_packed() {
        assert!(Packed::new(&vec![1.0; 65_535], 65_535, 1).is_some());
        assert!(Packed::new(&vec![1.0; 65_536], 65_536, 1).is_none());
    }

    proptest! {
        #[test]
        fn the_weight_comes_back(
            inputs in 1usize..300, outputs in 1usize..300, keep in 0.0f64..1.0, seed in any::<u64>(),
        ) {
            let weight = super::super::multiply::tests::weight(inputs, outputs, keep, seed);
            let packed = Packed::new(&weight, inputs, outputs).expect("a small weight");
            prop_assert_eq!(packed.nonzeros(), weight.iter().filter(|value| **value != 0.0).count());
            prop_assert_eq!(packed.to_dense(), weight);
        }
    }
}
