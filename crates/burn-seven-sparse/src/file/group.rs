//! What a file holds for a parameter: a tensor as it is, or the four parts of a sparse weight.

use std::collections::BTreeMap;
use std::ops::Range;

use safetensors::Dtype;

use super::container::{Container, Stored};
use super::names::{PARTS, RANKS};
use super::sizes::Sizes;
use super::{bitmask, dtype};
use crate::SparseError;

/// Where a parameter's values are, checked.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Dense(Stored),
    Sparse(Group),
}

/// A sparse weight whose parts agree with one another.
#[derive(Debug, Clone)]
pub(super) struct Group {
    dtype: Dtype,
    sizes: Sizes,
    compressed: Range<usize>,
    bitmask: Range<usize>,
}

impl Source {
    /// Everything in a file by the name of its parameter.
    pub(super) fn all(file: &Container) -> Result<BTreeMap<String, Self>, SparseError> {
        let mut sources = BTreeMap::new();
        let mut groups: BTreeMap<&str, [Option<&Stored>; 4]> = BTreeMap::new();
        for (name, stored) in &file.tensors {
            let part = name.rsplit_once('.').and_then(|(before, last)| {
                let part = PARTS.iter().position(|part| *part == last)?;
                (!before.is_empty()).then_some((before, part))
            });
            match part {
                Some((before, part)) => {
                    if let Some(slot) = groups.entry(before).or_default().get_mut(part) {
                        *slot = Some(stored);
                    }
                }
                None => {
                    sources.insert(name.clone(), Self::Dense(stored.clone()));
                }
            }
        }
        for (before, parts) in groups {
            let weight = format!("{before}.weight");
            let group = Group::check(file, before, parts)?;
            if sources
                .insert(weight.clone(), Self::Sparse(group))
                .is_some()
            {
                return Err(SparseError::DuplicateName { name: weight });
            }
        }
        Ok(sources)
    }

    pub(super) fn dtype(&self) -> Dtype {
        match self {
            Self::Dense(stored) => stored.dtype,
            Self::Sparse(group) => group.dtype,
        }
    }

    pub(super) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Dense(stored) => stored.shape.clone(),
            Self::Sparse(group) => group.sizes.shape.clone(),
        }
    }

    /// The values with their zeros. As large as the type and the shape say, so compare those first.
    pub(super) fn values(&self, file: &Container) -> Vec<u8> {
        match self {
            Self::Dense(stored) => file.at(&stored.place).to_vec(),
            Self::Sparse(group) => bitmask::decode(
                file.at(&group.compressed),
                file.at(&group.bitmask),
                group.sizes.rows,
                group.sizes.columns,
                group.dtype.bitsize() / 8,
            ),
        }
    }
}

impl Group {
    /// Checks that the parts agree, without allocating anything of the weight's size.
    fn check(
        file: &Container,
        before: &str,
        parts: [Option<&Stored>; 4],
    ) -> Result<Self, SparseError> {
        let name = |part: usize| format!("{before}.{}", PARTS[part]);
        let [Some(shape), Some(compressed), Some(bits), Some(offsets)] = parts else {
            let missing = parts.iter().position(Option::is_none).unwrap_or_default();
            return Err(SparseError::Incomplete {
                weight: format!("{before}.weight"),
                missing: name(missing),
            });
        };

        let wrong = |what, expected: &dyn ToString, found: &dyn ToString, part| {
            SparseError::malformed(name(part), what, expected.to_string(), found.to_string())
        };
        let sizes = Sizes::read(file, &name(0), shape, RANKS)?;
        let (rows, columns) = (sizes.rows, sizes.columns);
        offsets.expect(&name(3), Dtype::I64, &[rows])?;
        bits.expect(&name(2), Dtype::U8, &[rows, columns.div_ceil(8)])?;
        if !dtype::is_compressible(compressed.dtype) {
            return Err(wrong("type", &"F32, F16 or BF16", &compressed.dtype, 1));
        }

        let bitmask = file.at(&bits.place);
        if let Some(row) = bitmask::spare_bits(bitmask, columns) {
            let (expected, found) = ("0", format!("1 in row {row}"));
            return Err(wrong("bits after the last column", &expected, &found, 2));
        }
        let mut nonzeros = 0i64;
        let mut rest = bitmask;
        for (row, offset) in file.integers(&offsets.place).enumerate() {
            if offset != nonzeros {
                let found = format!("{offset} in row {row}");
                return Err(wrong("content", &nonzeros, &found, 3));
            }
            let (bits, below) = rest
                .split_at_checked(columns.div_ceil(8))
                .unwrap_or_default();
            rest = below;
            nonzeros += bits
                .iter()
                .map(|byte| i64::from(byte.count_ones()))
                .sum::<i64>();
        }
        compressed.expect(&name(1), compressed.dtype, &[nonzeros as usize])?;
        Ok(Self {
            dtype: compressed.dtype,
            sizes,
            compressed: compressed.place.clone(),
            bitmask: bits.place.clone(),
        })
    }
}
