//! Knowing a weight again.

use std::hash::{DefaultHasher, Hasher};

use crate::value::Value;

/// What a weight is known by, from one shape of the inputs to the next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    /// A parameter: its memory and how it is seen, by address, offset, strides and shape. Whoever
    /// keeps it should keep the memory too.
    Memory(Vec<(usize, usize, Vec<isize>, Vec<usize>)>),
    /// What is computed anew for each shape: a hash of its values, and its shapes.
    Values(u64, Vec<Vec<usize>>),
}

impl Identity {
    /// Of a weight made of these parts, which are parameters unless it is `derived`.
    pub fn of(parts: &[Value], derived: bool) -> Self {
        if !derived {
            let memory = parts.iter().map(|value| {
                let layout = value.layout();
                let address = value.0.bytes().as_ptr().addr();
                let (strides, shape) = (layout.strides().to_vec(), layout.shape().to_vec());
                (address, layout.start_offset(), strides, shape)
            });
            return Self::Memory(memory.collect());
        }
        let mut hasher = DefaultHasher::new();
        for part in parts {
            let part = part.clone().contiguous();
            part.floats()
                .iter()
                .for_each(|value| hasher.write_u32(value.to_bits()));
        }
        let shapes = parts.iter().map(|value| value.shape().to_vec());
        Self::Values(hasher.finish(), shapes.collect())
    }

    /// Whether a weight of this identity is the same as another one of it.
    pub fn is_of(&self, one: &[Value], other: &[Value]) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Values(..) => one.iter().zip(other).all(|(one, other)| {
                let (one, other) = (one.clone().contiguous(), other.clone().contiguous());
                let pairs = one.floats().iter().zip(other.floats());
                pairs
                    .into_iter()
                    .all(|(one, other)| one.to_bits() == other.to_bits())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::flex::Layout;
    use burn::tensor::Shape;

    #[test]
    fn views_of_one_memory_differ_and_equal_values_do_not() {
        let value = |values: [f32; 4]| Value::from_floats(values.to_vec(), Shape::new([2, 2]));
        let one = value([1.0, 2.0, 3.0, 4.0]);
        let narrow = Layout::new(Shape::new([2, 1]), vec![2, 1], 0);
        let narrow = one.clone().with_layout(narrow);
        let of = |value: &Value, derived| Identity::of(std::slice::from_ref(value), derived);
        assert_eq!(of(&one, false), of(&one.clone(), false));
        assert_ne!(of(&one, false), of(&narrow, false));
        let again = value([1.0, 2.0, 3.0, 4.0]);
        assert_ne!(of(&one, false), of(&again, false));
        assert_eq!(of(&one, true), of(&again, true));
        let one = [one];
        assert!(of(&one[0], true).is_of(&one, &[again]));
        let other = value([1.0, 2.0, 3.0, -4.0]);
        assert_ne!(of(&one[0], true), of(&other, true));
        assert!(!of(&one[0], true).is_of(&one, &[other]));
    }
}
