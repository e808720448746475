//! Reading a file into a module.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{BoolStore, DType, TensorData};
use burn_store::burn_pack::{Error as PackError, Tensor as PackTensor};
use burn_store::{FloatCastAdapter, ModuleAdapter, ModuleContext, bridge};
use safetensors::Dtype;

use super::container::Container;
use super::dtype;
use super::group::Source;
use super::names::Names;
use super::put::put;
use super::slots::{Kind, Slot, Take, slots};
use crate::SparseError;

/// Reads a file of [`save`](super::save), of [`save_dense`](super::save_dense) or of the Python
/// package compressed-tensors into a module like `model`: [`LoadConfig::load`] as it is by default.
///
/// # Errors
///
/// Those of [`LoadConfig::load`].
pub fn load<M: Module>(model: &M, path: impl AsRef<Path>) -> Result<M, SparseError> {
    LoadConfig::new().load(model, path)
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

    /// Whether the file may lack parameters of the module, which stay as they are then, and have
    /// tensors that the module has no place for. By default false.
    pub fn with_partial(mut self, partial: bool) -> Self {
        self.partial = partial;
        self
    }

    /// A module like `model` with the file's values.
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
    /// [`TypeMismatch`](SparseError::TypeMismatch) for one of another model;
    /// [`Reparameterized`](SparseError::Reparameterized) for a module with masks or adapters.
    pub fn load<M: Module>(&self, model: &M, path: impl AsRef<Path>) -> Result<M, SparseError> {
        self.fill(model, Container::read(path.as_ref())?)
    }

    /// [`load`](Self::load) from the bytes of a file.
    ///
    /// # Errors
    ///
    /// Those of [`load`](Self::load).
    pub fn load_bytes<M: Module>(&self, model: &M, bytes: Vec<u8>) -> Result<M, SparseError> {
        self.fill(model, Container::parse(bytes)?)
    }

    fn fill<M: Module>(&self, model: &M, file: Container) -> Result<M, SparseError> {
        let names = self.names_of(&file)?;
        let slots = slots(model, names, Take::Description)?;
        let tensors = self.plan(names, &slots, file)?;
        put(model.clone(), names, tensors)
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

    /// Which tensor goes where, checked but unread.
    fn plan(
        &self,
        names: Names,
        slots: &[Slot],
        file: Container,
    ) -> Result<BTreeMap<String, PackTensor>, SparseError> {
        let sources = Source::all(&file)?;
        let file = Arc::new(file);
        let (mut tensors, mut used, mut missing) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        for slot in slots {
            let other = || names.alternative(&slot.path, &slot.containers);
            let own = sources.get_key_value(&slot.path);
            match own.or_else(|| sources.get_key_value(&other()?)) {
                Some((name, source)) => {
                    used.insert(name);
                    let tensor = adapt(names, slot, name, source, &file)?;
                    tensors.insert(slot.path.clone(), tensor);
                }
                None => missing.push(slot.path.clone()),
            }
        }
        let unused = sources.keys().filter(|name| !used.contains(name));
        let unused: Vec<String> = unused.cloned().collect();
        match (self.partial, missing.is_empty(), unused.is_empty()) {
            (false, false, _) => Err(SparseError::Missing { paths: missing }),
            (false, true, false) => Err(SparseError::Unused { names: unused }),
            _ => Ok(tensors),
        }
    }
}

/// A tensor of the file as the parameter that it goes to.
fn adapt(
    names: Names,
    slot: &Slot,
    name: &str,
    source: &Source,
    file: &Arc<Container>,
) -> Result<PackTensor, SparseError> {
    let found = dtype::from_file(source.dtype()).ok_or_else(|| SparseError::UnsupportedType {
        path: name.to_string(),
        found: source.dtype().to_string(),
    })?;
    if !slot.kind.takes(found) || !slot.kind.takes(slot.dtype) {
        return Err(SparseError::TypeMismatch {
            path: slot.path.clone(),
            expected: slot.dtype,
            found,
        });
    }
    if let (Kind::Bool, Source::Dense(stored), Dtype::BOOL) = (slot.kind, source, source.dtype())
        && let Some(byte) = file.at(&stored.place).iter().find(|byte| **byte > 1)
    {
        return Err(SparseError::malformed(name, "content", "0 or 1", byte));
    }
    let shape = source.shape();
    let (source, file) = (source.clone(), file.clone());
    let data = {
        let shape = shape.clone();
        move || {
            let data = TensorData::try_from_bytes_vec(source.values(&file), shape.clone(), found);
            data.map_err(invalid)
        }
    };
    let tensor = bridge::deferred(slot.path.clone(), found, shape.into(), None, data);
    let tensor = names.to_module(tensor, &slot.containers);
    if tensor.shape.to_vec() != slot.shape {
        return Err(SparseError::ShapeMismatch {
            path: slot.path.clone(),
            expected: slot.shape.clone(),
            found: tensor.shape.to_vec(),
        });
    }
    Ok(match slot.kind {
        Kind::Float => {
            FloatCastAdapter::to(slot.dtype).adapt(tensor, ModuleContext::new(&slot.containers))
        }
        Kind::Int if found != slot.dtype => convert(tensor, slot.dtype, |data, to| {
            let from = data.dtype();
            let cast = data.clone().try_cast(to)?;
            // A value that does not fit does not come back.
            Ok((cast.clone().try_cast(from)? == data).then_some(cast))
        }),
        Kind::Bool if found == DType::U8 => {
            convert(tensor, DType::Bool(BoolStore::Native), |data, to| {
                let flags = data.as_bytes().iter().map(|&byte| u8::from(byte != 0));
                let flags = flags.collect::<Vec<u8>>();
                TensorData::try_from_bytes_vec(flags, data.shape().clone(), to).map(Some)
            })
        }
        _ => tensor,
    })
}

type Convert = fn(TensorData, DType) -> Result<Option<TensorData>, burn::tensor::DataError>;

/// The tensor in another type, when it is read; an error where `by` gives none.
fn convert(tensor: PackTensor, to: DType, by: Convert) -> PackTensor {
    let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
    bridge::deferred(name, to, shape, None, move || {
        let cast = by(bridge::to_data(&tensor)?, to).map_err(invalid)?;
        cast.ok_or_else(|| invalid(format!("a value does not fit in {to:?}")))
    })
}

fn invalid(error: impl ToString) -> PackError {
    PackError::ValidationError(error.to_string())
}
