//! A safetensors file in memory, its header checked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::header;
use crate::SparseError;

/// Where one tensor is in the file.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub place: Range<usize>,
}

/// A file's bytes and what is where in them.
#[derive(Debug)]
pub(super) struct Container {
    bytes: Vec<u8>,
    /// The header's `format`.
    pub format: Option<String>,
    pub tensors: BTreeMap<String, Stored>,
}

impl Container {
    pub(super) fn read(path: &Path) -> Result<Self, SparseError> {
        Self::parse(std::fs::read(path).map_err(SparseError::io(path))?)
    }

    /// Every tensor's place is within the bytes and as long as its type and shape say.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, SparseError> {
        let mut texts = header::check(&bytes)?;
        let read = SafeTensors::read_metadata(&bytes);
        let (length, metadata) = read.map_err(|error| SparseError::Header {
            reason: error.to_string(),
        })?;
        let start = 8 + length;
        let tensors = metadata.tensors().into_iter().map(|(name, info)| {
            let (from, to) = info.data_offsets;
            let stored = Stored {
                dtype: info.dtype,
                shape: info.shape.clone(),
                place: start + from..start + to,
            };
            (name, stored)
        });
        let tensors = tensors.collect();
        Ok(Self {
            bytes,
            format: texts.remove("format"),
            tensors,
        })
    }

    /// The bytes at a place of this file.
    pub(super) fn at(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    /// The whole numbers of an I64 tensor.
    pub(super) fn integers(&self, place: &Range<usize>) -> impl Iterator<Item = i64> {
        let chunks = self.at(place).as_chunks::<8>().0;
        chunks.iter().map(|bytes| i64::from_le_bytes(*bytes))
    }
}

impl Stored {
    /// Checks the type and the shape.
    pub(super) fn expect(
        &self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
    ) -> Result<(), SparseError> {
        if self.dtype != dtype {
            return Err(SparseError::malformed(name, "type", dtype, self.dtype));
        }
        if self.shape != shape {
            let (expected, found) = (format!("{shape:?}"), format!("{:?}", self.shape));
            return Err(SparseError::malformed(name, "shape", expected, found));
        }
        Ok(())
    }
}
