//! Writing a module to a file.

use std::collections::BTreeSet;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{BoolStore, Bytes, DType, TensorData};
use burn_store::bridge;
use safetensors::Dtype;

use super::bitmask::{self, Encoded};
use super::config::{Compression, beside};
use super::names::{Names, PARTS, class};
use super::report::{DenseTensor, SaveReport, SparseWeight};
use super::slots::{Slot, Take, slots};
use super::write::{Entry, Pending, header};
use super::{FloatType, dtype};
use crate::SparseError;

/// Writes `model` to a safetensors file, weights of many zeros in their sparse form, with PyTorch's
/// names and a `config.json` beside it: [`SaveConfig::save`] as it is by default.
///
/// # Errors
///
/// Those of [`SaveConfig::save`].
pub fn save<M: Module>(model: &M, path: impl AsRef<Path>) -> Result<SaveReport, SparseError> {
    SaveConfig::new().save(model, path)
}

/// Writes `model` to a safetensors file that any reader understands, zeros written out, with
/// PyTorch's names.
///
/// # Errors
///
/// Those of [`SaveConfig::save`].
pub fn save_dense<M: Module>(model: &M, path: impl AsRef<Path>) -> Result<SaveReport, SparseError> {
    SaveConfig::new().with_dense(true).save(model, path)
}

/// How a file is written.
///
/// ```
/// use burn_seven_sparse::{FloatType, Names, SaveConfig};
///
/// let config = SaveConfig::new().with_names(Names::Burn).with_dtype(FloatType::BF16);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SaveConfig {
    names: Names,
    dtype: Option<FloatType>,
    dense: bool,
}

impl SaveConfig {
    /// Sparse, with PyTorch's names and the weights' own types.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose names and orientation the file has. By default PyTorch's, for interchange.
    pub fn with_names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// The type of all floats in the file. By default each parameter's own.
    pub fn with_dtype(mut self, dtype: FloatType) -> Self {
        self.dtype = Some(dtype);
        self
    }

    /// Whether zeros are written out. By default false.
    pub fn with_dense(mut self, dense: bool) -> Self {
        self.dense = dense;
        self
    }

    /// Writes `model` to the safetensors file at `path`, and its description to `config.json` in
    /// the same folder if the file is sparse and has PyTorch's names; other entries of a
    /// `config.json` that is there stay.
    ///
    /// The sparse form is taken for the weights, of rank 2, of `Linear`, `SparseLinear` and
    /// `Embedding` modules of F32, F16 or BF16, where it takes fewer bytes than the dense one. A
    /// module that is itself a layer has no name to put before the parts of its weight, which
    /// stays dense.
    ///
    /// Files that are there are replaced, once everything is written beside them. Memory for the
    /// whole file and one tensor more is taken.
    ///
    /// # Errors
    ///
    /// [`SparseError::Reparameterized`] for a model with masks or adapters,
    /// [`UnsupportedType`](SparseError::UnsupportedType) for a quantized one,
    /// [`ReservedName`](SparseError::ReservedName) or
    /// [`DuplicateName`](SparseError::DuplicateName) for one whose names are taken,
    /// [`TooLarge`](SparseError::TooLarge) for a value that the type cannot hold,
    /// [`Config`](SparseError::Config) and [`Io`](SparseError::Io). Files are as they were then.
    pub fn save<M: Module>(
        &self,
        model: &M,
        path: impl AsRef<Path>,
    ) -> Result<SaveReport, SparseError> {
        let path = path.as_ref();
        let described = !self.dense && self.names == Names::PyTorch;
        let mut content = Content::of(self, model)?;
        let config = if described {
            let target = beside(path)?;
            let text = content.compression().update(&target)?;
            Some(Pending::write(&target, std::iter::once(text.as_bytes()))?)
        } else {
            None
        };
        let header = header(&mut content.entries, self.names.format())?;
        let tensors = content.entries.iter().map(|entry| &entry.bytes[..]);
        let file = Pending::write(path, std::iter::once(&header[..]).chain(tensors))?;
        file.commit()?;
        if let Some(config) = config {
            config.commit()?;
        }
        Ok(content.into_report(header.len()))
    }

    /// The bytes of the file that [`save`](Self::save) writes.
    ///
    /// # Errors
    ///
    /// Those of [`save`](Self::save), but for files.
    pub fn to_bytes<M: Module>(&self, model: &M) -> Result<(Vec<u8>, SaveReport), SparseError> {
        let mut content = Content::of(self, model)?;
        let header = header(&mut content.entries, self.names.format())?;
        let tensors = content.entries.iter().map(|entry| &entry.bytes[..]);
        let parts: Vec<&[u8]> = std::iter::once(&header[..]).chain(tensors).collect();
        let bytes = parts.concat();
        Ok((bytes, content.into_report(header.len())))
    }
}

/// What goes into a file.
#[derive(Default)]
struct Content {
    entries: Vec<Entry>,
    report: SaveReport,
    /// Classes and modules of them, with whether their weights are compressed.
    layers: Vec<(&'static str, String, bool)>,
    /// Zeros and entries of all floats.
    zeros: (usize, usize),
}

impl Content {
    fn of<M: Module>(config: &SaveConfig, model: &M) -> Result<Self, SparseError> {
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
        if let (Some((class, before)), Some(kept), [rows, columns]) = (class, nonzeros, &shape[..])
        {
            let (rows, columns) = (*rows, *columns);
            let sparse = bitmask::encoded_len(rows, columns, kept, size);
            let compressed = !config.dense && sparse < bytes;
            self.layers.push((class, before.to_string(), compressed));
            if compressed {
                let encoded = bitmask::encode(data.as_bytes(), rows, columns, size);
                self.push_sparse(before, [rows, columns], dtype, encoded);
                self.report.sparse.push(SparseWeight {
                    name,
                    shape: [rows, columns],
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

    fn push_sparse(&mut self, before: &str, shape: [usize; 2], dtype: Dtype, encoded: Encoded) {
        let [rows, columns] = shape;
        let [sizes, compressed, bitmask, offsets] = PARTS.map(|part| format!("{before}.{part}"));
        let nonzeros = encoded.compressed.len() / (dtype.bitsize() / 8);
        self.entries.extend([
            Entry::integers(sizes, &[rows as i64, columns as i64]),
            Entry {
                name: compressed,
                dtype,
                shape: vec![nonzeros],
                bytes: Bytes::from_bytes_vec(encoded.compressed),
            },
            Entry {
                name: bitmask,
                dtype: Dtype::U8,
                shape: vec![rows, columns.div_ceil(8)],
                bytes: Bytes::from_bytes_vec(encoded.bitmask),
            },
            Entry::integers(offsets, &encoded.row_offsets),
        ]);
    }

    fn compression(&self) -> Compression {
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

    fn into_report(self, header: usize) -> SaveReport {
        let tensors: usize = self.entries.iter().map(|entry| entry.bytes.len()).sum();
        SaveReport {
            bytes: header + tensors,
            ..self.report
        }
    }
}

/// The type under which a parameter is written.
fn stored_type(config: &SaveConfig, path: &str, dtype: DType) -> Result<DType, SparseError> {
    match (dtype, config.dtype) {
        (DType::QFloat(_), _) => Err(unsupported(path, dtype)),
        (dtype, Some(float)) if dtype.is_float() => Ok(float.into()),
        (DType::Flex32, None) => Ok(DType::F32),
        (DType::Bool(_), _) => Ok(DType::Bool(BoolStore::Native)),
        (dtype, _) => Ok(dtype),
    }
}

/// `data` in another type; no finite value becomes infinite.
fn cast(path: &str, data: TensorData, to: DType) -> Result<TensorData, SparseError> {
    let from = data.dtype();
    if from == to {
        return Ok(data);
    }
    let infinite = |data: &TensorData| match to.is_float() {
        true => data
            .iter::<f64>()
            .filter(|value| value.is_infinite())
            .count(),
        false => 0,
    };
    let before = infinite(&data);
    let cast = data.try_cast(to).map_err(|error| SparseError::Tensor {
        path: path.to_string(),
        reason: error.to_string(),
    })?;
    if infinite(&cast) > before {
        return Err(SparseError::TooLarge {
            path: path.to_string(),
            expected: to,
            found: from,
        });
    }
    Ok(cast)
}

fn unsupported(path: &str, dtype: DType) -> SparseError {
    SparseError::UnsupportedType {
        path: path.to_string(),
        found: format!("{dtype:?}"),
    }
}
