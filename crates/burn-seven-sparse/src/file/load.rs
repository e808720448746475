//! Reading a file into a module.

use std::path::Path;

use burn::module::Module;

use super::container::Container;
use super::loaded::LoadReport;
use super::names::Names;
use super::plan::plan;
use super::put::put;
use super::slots::{Take, slots};
use crate::SparseError;

/// Reads a file of [`save`](super::save), of [`save_dense`](super::save_dense) or of the Python
/// package compressed-tensors into a module like `model`: [`LoadConfig::load`] as it is by default.
///
/// # Errors
///
/// Those of [`LoadConfig::load`].
pub fn load<M: Module>(model: &M, path: impl AsRef<Path>) -> Result<M, SparseError> {
    Ok(LoadConfig::new().load(model, path)?.0)
}

/// How a file is read.
///
/// ```
/// use burn_seven_sparse::{LoadConfig, Names};
///
/// let config = LoadConfig::new().with_names(Names::PyTorch).with_partial(true);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadConfig {
    names: Option<Names>,
    partial: bool,
}

impl LoadConfig {
    /// Names and orientation by the file's header, and every parameter once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whose names and orientation the file has, whatever its header says.
    ///
    /// By default `format` in the header's metadata says it, and a file without is PyTorch's.
    pub fn with_names(mut self, names: Names) -> Self {
        self.names = Some(names);
        self
    }

    /// Whether the file may be of another model, such as one with another head. By default false.
    ///
    /// What fits is loaded then, by name, shape and kind; all other parameters stay as they are, and
    /// the report lists them and the tensors that the module has no place for.
    pub fn with_partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// A module like `model` with the file's values, and what became of each of them.
    ///
    /// Floats and whole numbers are converted to the types that the module's parameters have;
    /// parameters keep their ids, devices and whether they are trained. `model` itself is the same
    /// after the call, and parameters of it that were not initialized are not now.
    ///
    /// # Errors
    ///
    /// [`SparseError::Io`]; [`Length`](SparseError::Length), [`Header`](SparseError::Header),
    /// [`DuplicateName`](SparseError::DuplicateName), [`Incomplete`](SparseError::Incomplete) or
    /// [`Malformed`](SparseError::Malformed) for a damaged file; [`Format`](SparseError::Format)
    /// for one of unknown names; [`Missing`](SparseError::Missing),
    /// [`Unused`](SparseError::Unused), [`ShapeMismatch`](SparseError::ShapeMismatch) or
    /// [`TypeMismatch`](SparseError::TypeMismatch) for one of another model, and
    /// [`NothingLoaded`](SparseError::NothingLoaded) for one of which nothing fits where parts are
    /// enough; [`UnsupportedType`](SparseError::UnsupportedType) or
    /// [`Tensor`](SparseError::Tensor) for values that cannot be converted;
    /// [`Reparameterized`](SparseError::Reparameterized) for a module with masks or adapters.
    pub fn load<M: Module>(
        &self,
        model: &M,
        path: impl AsRef<Path>,
    ) -> Result<(M, LoadReport), SparseError> {
        self.fill(model, Container::read(path.as_ref())?)
    }

    /// [`load`](Self::load) from the bytes of a file.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn load_bytes<M: Module>(
        &self,
        model: &M,
        bytes: Vec<u8>,
    ) -> Result<(M, LoadReport), SparseError> {
        self.fill(model, Container::parse(bytes)?)
    }

    fn fill<M: Module>(&self, model: &M, file: Container) -> Result<(M, LoadReport), SparseError> {
        let names = self.names_of(&file)?;
        let slots = slots(model, names, Take::Description)?;
        let (tensors, report) = plan(names, self.partial, &slots, file)?;
        Ok((put(model.clone(), names, tensors)?, report))
    }

    fn names_of(&self, file: &Container) -> Result<Names, SparseError> {
        match (self.names, file.format.as_deref()) {
            (Some(names), _) => Ok(names),
            (None, None | Some("pt")) => Ok(Names::PyTorch),
            (None, Some("burn")) => Ok(Names::Burn),
            (None, Some(found)) => Err(SparseError::Format {
                expected: "pt or burn, or chosen by LoadConfig::with_names",
                found: found.to_string(),
            }),
        }
    }
}
