//! A convolution's weight made ready.

use super::super::Packed;
use super::shape::Convolution;

/// A sparse weight of a convolution, packed for [`convolve`](super::convolve()).
#[derive(Debug, Clone)]
pub struct PackedConvolution {
    shape: Convolution,
    /// Of each group: taps of its channels times its outputs.
    groups: Vec<Packed>,
}

impl PackedConvolution {
    /// Packs a weight of shape `[outputs, channels / groups, height, width]`, as Burn's convolution
    /// holds it. Zeros of either sign are left out.
    ///
    /// None where the shape is [none](Convolution::is_valid) or the weight has another number of
    /// values.
    pub fn new(weight: &[f32], shape: Convolution) -> Option<Self> {
        if !shape.is_valid() || shape.weights()? != weight.len() {
            return None;
        }
        let inputs = shape.inputs()?;
        let outputs = shape.outputs / shape.groups;
        let group = |group: usize| {
            let first = group * outputs * inputs;
            let rows = &weight[first..][..outputs * inputs];
            let mut turned = vec![0.0; rows.len()];
            for output in 0..outputs {
                for input in 0..inputs {
                    turned[input * outputs + output] = rows[output * inputs + input];
                }
            }
            Packed::new(&turned, inputs, outputs)
        };
        let groups = (0..shape.groups).map(group).collect();
        Some(Self { shape, groups })
    }

    /// The convolution's shape.
    pub fn shape(&self) -> &Convolution {
        &self.shape
    }

    /// How many weights are not 0.
    pub fn nonzeros(&self) -> usize {
        self.groups.iter().map(Packed::nonzeros).sum()
    }

    /// How many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        self.groups.iter().map(Packed::bytes).sum()
    }

    /// The weight as it was given, with +0 for what was left out.
    pub fn to_dense(&self) -> Vec<f32> {
        let mut weight = Vec::with_capacity(self.shape.weights().unwrap_or(0));
        for group in &self.groups {
            let (inputs, outputs) = (group.inputs(), group.outputs());
            let turned = group.to_dense();
            for output in 0..outputs {
                weight.extend((0..inputs).map(|input| turned[input * outputs + output]));
            }
        }
        weight
    }

    /// The groups' weights.
    pub(super) fn groups(&self) -> &[Packed] {
        &self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_comes_back_and_wrong_sizes_give_none() {
        let shape = Convolution {
            channels: 4,
            outputs: 6,
            kernel: [2, 3],
            stride: [1, 1],
            padding: [(0, 0); 2],
            dilation: [1, 1],
            groups: 2,
        };
        let weight: Vec<f32> = (0..72).map(|index| (index % 3) as f32).collect();
        let packed = PackedConvolution::new(&weight, shape).unwrap();
        assert_eq!(packed.to_dense(), weight);
        assert_eq!(packed.nonzeros(), 48);
        assert!(PackedConvolution::new(&weight[1..], shape).is_none());
        let wrong = Convolution { groups: 3, ..shape };
        assert!(PackedConvolution::new(&weight, wrong).is_none());
    }
}
