//! What goes into a file: which parameters are compressed, and the tensors that they become.

use std::collections::BTreeSet;

use burn::module::Module;
use burn::tensor::Bytes;
use burn_store::bridge;
use safetensors::Dtype;

use super::bitmask::{self, Encoded};
use super::cast::{cast, stored_type, unsupported};
use super::config::Compression;
use super::names::{PARTS, RANKS, class};
use super::report::{DenseTensor, SaveReport, SparseWeight};
use super::slots::{Slot, Take, slots};
use super::write::Entry;
use super::{SaveConfig, dtype};
use crate::SparseError;

/// What goes into a file.
#[derive(Default)]
pub(super) struct Content {
    pub entries: Vec<Entry>,
    report: SaveReport,
    /// Classes and modules of them, with whether their weights are compressed.
    layers: Vec<(&'static str, String, bool)>,
    /// Zeros and entries of all floats.
    zeros: (usize, usize),
}

impl Content {
    pub(super) fn of<M: Module>(config: &SaveConfig, model: &M) -> Result<Self, SparseError> {
        let mut content = Self::default();
        for slot in slots(model, config.names, Take::Value)? {
            content.add(config, slot)?;
        }
        content.entries.sort_by(|a, b| a.name.cmp(&b.name));
        let mut names = content.entries.iter().map(|entry| &entry.name);
        let mut seen = BTreeSet::new();
        match names.find(|name| !seen.insert(*name)) {
            Some(name) => Err(SparseError::DuplicateName { name: name.clone() }),
            None => Ok(content),
        }
    }

    fn add(&mut self, config: &SaveConfig, slot: Slot) -> Result<(), SparseError> {
        let Some(value) = slot.value else {
            return Ok(());
        };
        let tensor = config.names.to_file(value, &slot.containers);
        let name = tensor.name.clone();
        let last = name.rsplit('.').next().unwrap_or(&name);
        if PARTS.contains(&last) {
            let (path, suffix) = (name.clone(), last.to_string());
            return Err(SparseError::ReservedName { path, suffix });
        }
        let stored = stored_type(config, &slot.path, slot.dtype)?;
        let data = bridge::into_data(tensor).map_err(SparseError::tensor(&slot.path))?;
        let data = cast(&slot.path, data, stored)?;
        let dtype = dtype::to_file(stored).ok_or_else(|| unsupported(&slot.path, slot.dtype))?;
        let shape = data.shape().to_vec();
        let size = stored.size();
        let class = match name.rsplit_once('.') {
            Some((before, "weight")) => class(&slot.containers).map(|class| (class, before)),
            _ => None,
        };
        let nonzeros = dtype::is_compressible(dtype).then(|| bitmask::count(data.as_bytes(), size));
        if let Some(nonzeros) = nonzeros {
            self.zeros.0 += data.num_elements() - nonzeros;
            self.zeros.1 += data.num_elements();
        }
        let bytes = data.as_bytes().len();
        self.report.dense_bytes += bytes;
        let flat = bitmask::flat(&shape).filter(|_| has_sparse_form(config, shape.len()));
        if let (Some((class, before)), Some(kept), Some((rows, columns))) = (class, nonzeros, flat)
        {
            let sparse = bitmask::encoded_len(shape.len(), rows, columns, kept, size);
            let compressed = !config.dense && sparse < bytes;
            self.layers.push((class, before.to_string(), compressed));
            if compressed {
                let encoded = bitmask::encode(data.as_bytes(), rows, columns, size);
                self.push_sparse(before, &shape, dtype, encoded);
                self.report.sparse.push(SparseWeight {
                    name,
                    shape,
                    kept,
                    bytes: sparse,
                });
                return Ok(());
            }
        }
        self.report.dense.push(DenseTensor {
            name: name.clone(),
            shape: shape.clone(),
            bytes,
        });
        self.entries.push(Entry {
            name,
            dtype,
            shape,
            bytes: data.into_bytes(),
        });
        Ok(())
    }

    fn push_sparse(&mut self, before: &str, shape: &[usize], dtype: Dtype, encoded: Encoded) {
        let dims: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        let rows = encoded.row_offsets.len();
        let [sizes, compressed, bitmask, offsets] = PARTS.map(|part| format!("{before}.{part}"));
        let nonzeros = encoded.compressed.len() / (dtype.bitsize() / 8);
        self.entries.extend([
            Entry::integers(sizes, &dims),
            Entry {
                name: compressed,
                dtype,
                shape: vec![nonzeros],
                bytes: Bytes::from_bytes_vec(encoded.compressed),
            },
            Entry {
                name: bitmask,
                dtype: Dtype::U8,
                shape: vec![rows, encoded.bitmask.len() / rows.max(1)],
                bytes: Bytes::from_bytes_vec(encoded.bitmask),
            },
            Entry::integers(offsets, &encoded.row_offsets),
        ]);
    }

    pub(super) fn compression(&self) -> Compression {
        let compressed = self.layers.iter().filter(|(_, _, compressed)| *compressed);
        let targets: BTreeSet<&str> = compressed.map(|(class, _, _)| *class).collect();
        let ignore = self
            .layers
            .iter()
            .filter(|(class, _, compressed)| !compressed && targets.contains(class));
        Compression {
            ignore: ignore.map(|(_, name, _)| name.clone()).collect(),
            targets: targets.into_iter().map(str::to_string).collect(),
            global_sparsity: self.zeros.0 as f64 / self.zeros.1.max(1) as f64,
        }
    }

    pub(super) fn into_report(self, header: usize) -> SaveReport {
        let tensors: usize = self.entries.iter().map(|entry| entry.bytes.len()).sum();
        SaveReport {
            bytes: header + tensors,
            ..self.report
        }
    }
}

/// Whether a weight of so many dimensions may be compressed.
fn has_sparse_form(config: &SaveConfig, rank: usize) -> bool {
    RANKS.contains(&rank) && (rank == 2 || !config.dense_convolutions)
}
