//! A convolution's weight made ready.

use super::super::Packed;
use super::shape::Convolution;

/// A sparse weight of a convolution, packed for [`convolve`](super::convolve()).
#[derive(Debug, Clone)]
pub struct PackedConvolution {
    shape: Convolution,
    groups: Vec<Group>,
}

/// The weight of a group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The channels that any output reads, counted from the group's first.
    pub channels: Vec<usize>,
    /// Taps of these channels times outputs.
    pub weight: Packed,
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
        let (channels, outputs) = (shape.channels / shape.groups, shape.outputs / shape.groups);
        let taps = shape.kernel[0].checked_mul(shape.kernel[1])?;
        let group = |group: usize| {
            let first = group * outputs * channels * taps;
            let rows = &weight[first..][..outputs * channels * taps];
            let at = |output: usize, channel: usize, tap: usize| {
                rows[(output * channels + channel) * taps + tap]
            };
            let read = |channel: &usize| {
                let zero = |output| (0..taps).all(|tap| at(output, *channel, tap) == 0.0);
                !(0..outputs).all(zero)
            };
            let channels: Vec<usize> = (0..channels).filter(read).collect();
            let mut transposed = Vec::with_capacity(channels.len() * taps * outputs);
            for &channel in &channels {
                for tap in 0..taps {
                    transposed.extend((0..outputs).map(|output| at(output, channel, tap)));
                }
            }
            Group {
                weight: Packed::new(&transposed, channels.len() * taps, outputs),
                channels,
            }
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
        let groups = self.groups.iter();
        groups.map(|group| group.weight.nonzeros()).sum()
    }

    /// How many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        let bytes = |group: &Group| group.weight.bytes() + size_of_val(&*group.channels);
        self.groups.iter().map(bytes).sum()
    }

    /// The weight as it was given, with +0 for what was left out.
    pub fn to_dense(&self) -> Vec<f32> {
        let mut weight = vec![0.0; self.shape.weights().unwrap_or(0)];
        let taps = self.shape.kernel[0] * self.shape.kernel[1];
        let each = self.shape.channels / self.shape.groups * taps;
        for (index, group) in self.groups.iter().enumerate() {
            let (transposed, outputs) = (group.weight.to_dense(), group.weight.outputs());
            for (input, values) in transposed.chunks_exact(outputs.max(1)).enumerate() {
                let place = group.channels[input / taps] * taps + input % taps;
                for (output, value) in values.iter().enumerate() {
                    weight[(index * outputs + output) * each + place] = *value;
                }
            }
        }
        weight
    }

    /// The groups' weights.
    pub(super) fn groups(&self) -> &[Group] {
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

    // Of the second group no output reads the first channel, of the first group none any.
    #[test]
    fn channels_that_nothing_reads_are_left_out() {
        let shape = Convolution {
            channels: 4,
            outputs: 2,
            kernel: [1, 2],
            stride: [1, 1],
            padding: [(0, 0); 2],
            dilation: [1, 1],
            groups: 2,
        };
        let weight = [0.0, -0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0];
        let packed = PackedConvolution::new(&weight, shape).unwrap();
        let channels: Vec<_> = packed
            .groups()
            .iter()
            .map(|group| &group.channels[..])
            .collect();
        assert_eq!(channels, [&[][..], &[1]]);
        assert_eq!(packed.to_dense(), weight);
    }
}
