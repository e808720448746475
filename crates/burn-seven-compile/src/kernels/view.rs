//! Reshapes and transpositions: the same memory seen in another way.

use burn::backend::flex::Layout;
use burn::tensor::Shape;
use burn_ir::TensorIr;

use super::Kernel;
use crate::pool::Pool;
use crate::value::Value;

/// Another view of a tensor.
#[derive(Debug, Clone)]
pub(crate) enum View {
    /// To the shape of the output.
    Reshape,
    Swap(usize, usize),
    Permute(Vec<usize>),
}

impl View {
    /// Whether the output has the input's rows, which are vectors along the last axis.
    pub fn keeps_rows(&self, input: &TensorIr, output: &TensorIr) -> bool {
        let last = |ir: &TensorIr| ir.shape.iter().last().copied();
        matches!(self, Self::Reshape) && last(input) == last(output)
    }

    /// Whether the output is the input.
    pub fn changes_nothing(&self, input: &TensorIr, output: &TensorIr) -> bool {
        match self {
            Self::Reshape => input.shape == output.shape,
            // Of equal axes those of size 1 may be swapped.
            Self::Swap(one, other) => {
                one == other || input.shape[*one] == 1 && input.shape[*other] == 1
            }
            Self::Permute(axes) => axes.iter().enumerate().all(|(axis, from)| axis == *from),
        }
    }
}

impl Kernel for View {
    fn name(&self) -> String {
        "view".to_string()
    }

    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], _pool: &Pool) -> Vec<Value> {
        let seen = inputs.into_iter().zip(shapes).map(|(value, shape)| {
            let layout = match self {
                Self::Reshape => reshaped(value.layout(), shape),
                Self::Swap(one, other) => Some(value.layout().transpose(*one, *other)),
                Self::Permute(axes) => Some(value.layout().permute(axes)),
            };
            match layout {
                Some(layout) => value.with_layout(layout),
                None => value.contiguous().reshaped(shape),
            }
        });
        seen.collect()
    }
}

/// The layout of a reshape that copies nothing, if there is one.
///
/// Axes of both shapes are taken in groups of equally many elements. A group's memory should be
/// evenly spaced; then any shape of it is a view.
fn reshaped(layout: &Layout, shape: &Shape) -> Option<Layout> {
    if layout.num_elements() == 0 || layout.num_elements() != shape.num_elements() {
        return None;
    }
    // Axes of size 1 say nothing about memory.
    let old: Vec<(usize, isize)> = layout
        .shape()
        .iter()
        .copied()
        .zip(layout.strides().iter().copied())
        .filter(|(size, _)| *size != 1)
        .collect();
    let new = shape.to_vec();
    let mut strides = vec![1isize; new.len()];
    let (mut from, mut to) = (0, 0);
    while from < old.len() {
        let (first, start) = (from, to);
        let mut left = old[from].0;
        from += 1;
        let mut right = 1;
        // Ones at the group's begin belong to it.
        while left != right {
            if right < left {
                right *= *new.get(to)?;
                to += 1;
            } else {
                left *= old.get(from)?.0;
                from += 1;
            }
        }
        let even = old[first..from]
            .windows(2)
            .all(|pair| pair[0].1 == pair[1].1 * pair[1].0 as isize);
        if !even {
            return None;
        }
        let mut stride = old[from - 1].1;
        for axis in (start..to).rev() {
            strides[axis] = stride;
            stride *= new[axis] as isize;
        }
    }
    Some(Layout::new(shape.clone(), strides, layout.start_offset()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::flex::FlexTensor;
    use burn::tensor::TensorData;
    use proptest::prelude::*;

    #[test]
    fn a_last_axis_with_gaps_is_split_without_a_copy() {
        // Rows of 4 in memory of rows of 12.
        let layout = Layout::new(Shape::new([3, 4]), vec![12, 1], 4);
        let split = reshaped(&layout, &Shape::new([3, 2, 2])).expect("a view");
        assert_eq!(
            (split.strides(), split.start_offset()),
            (&[12, 2, 1][..], 4)
        );
        assert!(reshaped(&layout, &Shape::new([12])).is_none());
        let ones = reshaped(&layout, &Shape::new([1, 3, 1, 4, 1])).expect("a view");
        assert_eq!(ones.strides()[1], 12);
        assert_eq!(ones.strides()[3], 1);
    }

    proptest! {
        #[test]
        fn a_view_has_the_values_of_a_copy(
            a in 1usize..4, b in 1usize..4, c in 1usize..4, swap in 0usize..3, target in 0usize..6,
        ) {
            let count = a * b * c;
            let values: Vec<f32> = (0..count).map(|value| value as f32).collect();
            let value = Value(FlexTensor::from_data(TensorData::new(values, [a, b, c])));
            let axes = [(0, 0), (0, 1), (1, 2)][swap];
            let shape = [
                vec![count], vec![a, b * c], vec![a * b, c], vec![c, b, a], vec![1, b, 1, c * a],
                vec![b, a * c],
            ];
            let shape = Shape::from(shape[target].clone());
            let pool = Pool::default();
            let swapped = View::Swap(axes.0, axes.1).run(vec![value], &[Shape::new([0])], &pool);
            let copy = swapped[0].clone().contiguous();
            let seen = View::Reshape.run(swapped, std::slice::from_ref(&shape), &pool).remove(0);
            prop_assert_eq!(seen.shape(), &shape);
            let seen = seen.contiguous();
            prop_assert_eq!(seen.floats(), copy.floats());
        }
    }
}
