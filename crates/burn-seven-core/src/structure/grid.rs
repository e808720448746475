//! A weight cut into blocks of equal size.

use burn::tensor::{Bool, Tensor};

/// A weight's shape and the size of its blocks along each dimension. Blocks are counted in row-major
/// order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Grid {
    /// Each dimension: how many blocks, and how many entries of each.
    dims: Vec<(usize, usize)>,
}

/// One dimension of a tensor, with what lies before and after it.
struct Axis {
    outer: usize,
    blocks: usize,
    block: usize,
    inner: usize,
}

impl Grid {
    /// Or why there is none: `block` should divide `shape`.
    pub(crate) fn new(shape: &[usize], block: &[usize]) -> Result<Self, String> {
        if block.len() != shape.len() {
            return Err(format!("blocks of {block:?} have another rank"));
        }
        let pairs = shape.iter().zip(block);
        let dims = pairs.map(|(&size, &block)| match block > 0 && size % block == 0 {
            true => Ok((size / block, block)),
            false => Err(format!("blocks of {block} do not divide {size}")),
        });
        Ok(Self {
            dims: dims.collect::<Result<_, _>>()?,
        })
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self) -> usize {
        self.dims.iter().map(|(blocks, _)| blocks).product()
    }

    /// How many entries a block has.
    pub(crate) fn block_size(&self) -> usize {
        self.dims.iter().map(|(_, block)| block).product()
    }

    /// The dimension `index`, where those before it are reduced to blocks and those after it are
    /// whole.
    fn axis(&self, index: usize) -> Axis {
        let (blocks, block) = self.dims[index];
        let before = self.dims[..index].iter().map(|(blocks, _)| blocks);
        let after = self.dims[index + 1..].iter();
        Axis {
            outer: before.product(),
            blocks,
            block,
            inner: after.map(|(blocks, block)| blocks * block).product(),
        }
    }

    fn axes(&self) -> impl DoubleEndedIterator<Item = Axis> + '_ {
        let axes = (0..self.dims.len()).map(|index| self.axis(index));
        axes.filter(|axis| axis.block > 1)
    }

    /// The sum over each block of `[n]` values, shape `[blocks]`.
    pub(crate) fn sum(&self, values: Tensor<1>) -> Tensor<1> {
        self.axes().fold(values, |values, axis| {
            let split = [axis.outer, axis.blocks, axis.block, axis.inner];
            let sums = values.reshape(split).sum_dim(2);
            sums.reshape([axis.outer * axis.blocks * axis.inner])
        })
    }

    /// The first entry of each block of `[n]` flags, shape `[blocks]`.
    pub(crate) fn first(&self, flags: Tensor<1, Bool>) -> Tensor<1, Bool> {
        self.axes().fold(flags, |flags, axis| {
            let split = [axis.outer, axis.blocks, axis.block, axis.inner];
            let first = flags.reshape(split).narrow(2, 0, 1);
            first.reshape([axis.outer * axis.blocks * axis.inner])
        })
    }

    /// Whether all entries of each block of `[n]` flags are true, shape `[blocks]`.
    pub(crate) fn all(&self, flags: Tensor<1, Bool>) -> Tensor<1, Bool> {
        let counts = self.sum(flags.float());
        counts.greater_equal_scalar(self.block_size() as f32)
    }

    /// Each of `[blocks]` flags for all entries of its block, shape `[n]`.
    pub(crate) fn expand(&self, flags: Tensor<1, Bool>) -> Tensor<1, Bool> {
        self.axes().rev().fold(flags, |flags, axis| {
            let rows = flags.reshape([axis.outer, axis.blocks, 1, axis.inner]);
            let rows = rows.expand([axis.outer, axis.blocks, axis.block, axis.inner]);
            rows.reshape([axis.outer * axis.blocks * axis.block * axis.inner])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn flags(flags: &[bool]) -> Tensor<1, Bool> {
        let data = TensorData::new(flags.to_vec(), [flags.len()]);
        Tensor::from_data(data, &Device::default())
    }

    fn values(tensor: Tensor<1, Bool>) -> Vec<bool> {
        tensor.into_data().iter::<bool>().collect()
    }

    // 0 to 15 as 4 x 4, in blocks of 2 x 2: the first holds 0, 1, 4 and 5.
    #[test]
    fn blocks_are_counted_from_left_to_right_and_down() {
        let grid = Grid::new(&[4, 4], &[2, 2]).unwrap();
        let numbers: Vec<f32> = (0..16).map(|number| number as f32).collect();
        let sums = grid.sum(Tensor::from_floats(numbers.as_slice(), &Device::default()));
        assert_eq!(
            sums.try_to_vec_as::<f32>().unwrap(),
            [10.0, 18.0, 42.0, 50.0]
        );
        assert_eq!((grid.blocks(), grid.block_size()), (4, 4));

        let expanded = grid.expand(flags(&[true, false, false, true]));
        let rows = [true, true, false, false];
        let expected: Vec<bool> = [rows, rows]
            .concat()
            .into_iter()
            .chain([rows, rows].concat().into_iter().map(|flag| !flag))
            .collect();
        assert_eq!(values(expanded.clone()), expected);
        assert_eq!(values(grid.first(expanded)), [true, false, false, true]);
    }

    // A [2, 3, 2] convolution by output channels, then by input channels.
    #[test]
    fn whole_dimensions_are_one_block() {
        let numbers: Vec<f32> = (0..12).map(|number| number as f32).collect();
        let numbers = Tensor::<1>::from_floats(numbers.as_slice(), &Device::default());
        let outputs = Grid::new(&[2, 3, 2], &[1, 3, 2]).unwrap();
        let sums = outputs.sum(numbers.clone());
        assert_eq!(sums.try_to_vec_as::<f32>().unwrap(), [15.0, 51.0]);
        let inputs = Grid::new(&[2, 3, 2], &[2, 1, 2]).unwrap();
        let sums = inputs.sum(numbers);
        assert_eq!(sums.try_to_vec_as::<f32>().unwrap(), [14.0, 22.0, 30.0]);
        let expanded = inputs.expand(flags(&[true, false, false]));
        let half = [true, true, false, false, false, false];
        assert_eq!(values(expanded), [half, half].concat());
    }

    #[test]
    fn blocks_that_do_not_divide_are_refused() {
        assert!(Grid::new(&[4, 4], &[3, 1]).is_err());
        assert!(Grid::new(&[4, 4], &[2]).is_err());
        assert!(Grid::new(&[4], &[0]).is_err());
    }
}
