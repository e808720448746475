//! What a convolution is, apart from its weights and its input.

use super::axis::Axis;

/// A convolution's shape. Pairs are of height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the input.
    pub channels: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Size of the kernel.
    pub kernel: [usize; 2],
    /// How far the input's places of neighbouring positions of the output are apart.
    pub stride: [usize; 2],
    /// Zeros before and after the input.
    pub padding: [(usize, usize); 2],
    /// How far the input's places of neighbouring weights are apart.
    pub dilation: [usize; 2],
    /// Parts of channels and outputs that are convolved by themselves.
    pub groups: usize,
}

impl Convolution {
    /// Height and width of the output for those of the input, or none where the kernel does not fit
    /// into the padded input or the shape is [none](Self::is_valid).
    pub fn output_size(&self, height: usize, width: usize) -> Option<[usize; 2]> {
        let [height, width] = self.axes(height, width)?;
        Some([height.output, width.output])
    }

    /// Whether kernel, stride, dilation and groups are not 0, and groups are all of one size.
    pub fn is_valid(&self) -> bool {
        let sizes = [self.kernel, self.stride, self.dilation];
        sizes.as_flattened().iter().all(|&size| size > 0)
            && self.groups > 0
            && self.channels.is_multiple_of(self.groups)
            && self.outputs.is_multiple_of(self.groups)
    }

    /// How many values the weight `[outputs, channels / groups, height, width]` has, if they can be
    /// counted.
    pub fn weights(&self) -> Option<usize> {
        self.outputs.checked_mul(self.inputs()?)
    }

    /// How many values of the padded input each output reads, if they can be counted.
    pub(super) fn inputs(&self) -> Option<usize> {
        let [height, width] = self.kernel;
        let channels = self.channels.checked_div(self.groups)?;
        channels.checked_mul(height)?.checked_mul(width)
    }

    /// Both axes for an input.
    pub(super) fn axes(&self, height: usize, width: usize) -> Option<[Axis; 2]> {
        if !self.is_valid() {
            return None;
        }
        let axis = |axis: usize, input: usize| {
            let (before, after) = self.padding[axis];
            let reach = self.dilation[axis].checked_mul(self.kernel[axis] - 1)?;
            let padded = input.checked_add(before)?.checked_add(after)?;
            // Places are also counted from the end of the padding.
            isize::try_from(padded).ok()?;
            let last = padded.checked_sub(1)?.checked_sub(reach)?;
            Some(Axis {
                kernel: self.kernel[axis],
                stride: self.stride[axis],
                before,
                dilation: self.dilation[axis],
                input,
                output: last / self.stride[axis] + 1,
            })
        };
        Some([axis(0, height)?, axis(1, width)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Convolution = Convolution {
        channels: 4,
        outputs: 6,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [(1, 1); 2],
        dilation: [1, 1],
        groups: 2,
    };

    #[test]
    fn sizes_of_the_output() {
        assert_eq!(PLAIN.output_size(7, 9), Some([7, 9]));
        assert_eq!(PLAIN.output_size(1, 1), Some([1, 1]));
        let strided = Convolution {
            stride: [2, 3],
            padding: [(0, 1), (2, 0)],
            dilation: [1, 2],
            ..PLAIN
        };
        // (8 + 1 - 3) / 2 + 1 and (8 + 2 - 5) / 3 + 1.
        assert_eq!(strided.output_size(8, 8), Some([4, 2]));
        assert_eq!(strided.output_size(1, 8), None);
        assert_eq!(strided.output_size(8, 2), None);
        assert_eq!(PLAIN.weights(), Some(6 * 2 * 9));
    }

    #[test]
    fn what_is_no_shape() {
        for wrong in [
            Convolution { groups: 0, ..PLAIN },
            Convolution { groups: 4, ..PLAIN },
            Convolution {
                stride: [1, 0],
                ..PLAIN
            },
            Convolution {
                kernel: [0, 1],
                ..PLAIN
            },
            Convolution {
                padding: [(usize::MAX, 1); 2],
                ..PLAIN
            },
        ] {
            assert_eq!(wrong.output_size(9, 9), None);
        }
    }
}
