//! Writing a module to a file.

use std::path::Path;

use burn::module::Module;

use super::FloatType;
use super::config::beside;
use super::content::Content;
use super::names::Names;
use super::replace::{Pending, commit_both};
use super::report::SaveReport;
use super::write::header;
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
    pub(super) names: Names,
    pub(super) dtype: Option<FloatType>,
    pub(super) dense: bool,
    pub(super) dense_convolutions: bool,
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

    /// Whether convolutions are written with their zeros. By default false.
    ///
    /// Set it for a file that compressed-tensors is to read: its sparse weights are matrices.
    pub fn with_dense_convolutions(mut self, dense: bool) -> Self {
        self.dense_convolutions = dense;
        self
    }

    /// Writes `model` to the safetensors file at `path`, and its description to `config.json` in
    /// the same folder if the file is sparse and has PyTorch's names; other entries of a
    /// `config.json` that is there stay.
    ///
    /// The sparse form is taken for the weights of `Linear`, `SparseLinear` and `Embedding` modules
    /// and of convolutions, transposed ones too, of F32, F16 or BF16, where it takes fewer bytes
    /// than the dense one. A module that is itself a layer has no name to put before the parts of
    /// its weight, which stays dense.
    ///
    /// Files that are there are replaced once everything is written beside them: first
    /// `config.json`, and then the file at `path`, which is the one that counts. A process that is
    /// killed between the two leaves the old file, which is read as before, with the new
    /// `config.json`. On Unix they keep mode, owner and group of what was there; a symbolic link
    /// stays one, and what it points to is replaced.
    ///
    /// Memory for the whole file and one tensor more is taken.
    ///
    /// # Errors
    ///
    /// [`SparseError::Reparameterized`] for a model with masks or adapters,
    /// [`UnsupportedType`](SparseError::UnsupportedType) for a quantized one,
    /// [`ReservedName`](SparseError::ReservedName) or
    /// [`DuplicateName`](SparseError::DuplicateName) for one whose names are taken,
    /// [`TooLarge`](SparseError::TooLarge) for a value that the type cannot hold,
    /// [`Config`](SparseError::Config) and [`Io`](SparseError::Io). Files are as they were then,
    /// but for `config.json` with [`NotRestored`](SparseError::NotRestored).
    pub fn save<M: Module>(
        &self,
        model: &M,
        path: impl AsRef<Path>,
    ) -> Result<SaveReport, SparseError> {
        let path = path.as_ref();
        let described = !self.dense && self.names == Names::PyTorch;
        let mut content = Content::of(self, model)?;
        let config = described.then(|| -> Result<_, SparseError> {
            let target = beside(path)?;
            let text = content.compression().update(&target)?;
            Ok((target, text))
        });
        let config = config.transpose()?;
        let header = header(&mut content.entries, self.names.format())?;
        let tensors = content.entries.iter().map(|entry| &entry.bytes[..]);
        let file = Pending::write(path, std::iter::once(&header[..]).chain(tensors))?;
        match config {
            Some((target, text)) => {
                let config = Pending::write(&target, std::iter::once(text.as_bytes()))?;
                commit_both(config, file)?;
            }
            None => file.commit()?,
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
