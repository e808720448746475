//! Which of a file's tensors goes to which of a module's parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use burn::tensor::{BoolStore, DType, DataError, TensorData};
use burn_store::bridge;
use burn_store::burn_pack::{Error as PackError, Tensor as PackTensor};
use safetensors::Dtype;

use super::cast::finite;
use super::container::Container;
use super::group::Source;
use super::loaded::{LoadReport, Misfit};
use super::names::Names;
use super::slots::{Kind, Slot};
use super::{dtype, integers};
use crate::SparseError;

/// Which tensor goes where, checked but unread, and which does not fit where that is allowed.
pub(super) fn plan(
    names: Names,
    partial: bool,
    slots: &[Slot],
    file: Container,
) -> Result<(BTreeMap<String, PackTensor>, LoadReport), SparseError> {
    let sources = Source::all(&file)?;
    let file = Arc::new(file);
    let (mut tensors, mut used) = (BTreeMap::new(), BTreeSet::new());
    let mut report = LoadReport::default();
    for slot in slots {
        let other = || names.alternative(&slot.path, &slot.containers);
        let own = sources.get_key_value(&slot.path);
        let Some((name, source)) = own.or_else(|| sources.get_key_value(&other()?)) else {
            report.missing.push(slot.path.clone());
            continue;
        };
        used.insert(name);
        match adapt(names, slot, name, source, &file) {
            Ok(tensor) => {
                tensors.insert(slot.path.clone(), tensor);
                report.loaded.push(slot.path.clone());
            }
            Err(error) if partial => report.misfits.push(Misfit::of(error)?),
            Err(error) => return Err(error),
        }
    }
    let unused = sources.keys().filter(|name| !used.contains(name));
    report.unused = unused.cloned().collect();
    if partial && report.loaded.is_empty() && !report.is_complete() {
        return Err(SparseError::NothingLoaded {
            expected: slots.iter().map(|slot| slot.path.clone()).collect(),
            found: sources.into_keys().collect(),
        });
    }
    match (partial, report.missing.is_empty(), report.unused.is_empty()) {
        (false, false, _) => Err(SparseError::Missing {
            paths: report.missing,
        }),
        (false, true, false) => Err(SparseError::Unused {
            names: report.unused,
        }),
        _ => Ok((tensors, report)),
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
    Ok(match (slot.kind, slot.dtype) {
        (Kind::Bool, _) if found == DType::U8 => {
            convert(tensor, DType::Bool(BoolStore::Native), |data, to| {
                let flags = data.as_bytes().iter().map(|&byte| u8::from(byte != 0));
                let flags = flags.collect::<Vec<u8>>();
                TensorData::try_from_bytes_vec(flags, data.shape().clone(), to).map(Some)
            })
        }
        (Kind::Float, dtype) if found != dtype => convert(tensor, dtype, finite),
        (Kind::Int, dtype) if found != dtype => convert(tensor, dtype, |data, to| {
            let integers = integers::convert(data.as_bytes(), data.dtype(), to);
            let data = integers
                .map(|integers| TensorData::try_from_bytes_vec(integers, data.shape().clone(), to));
            data.transpose()
        }),
        _ => tensor,
    })
}

type Convert = fn(TensorData, DType) -> Result<Option<TensorData>, DataError>;

/// The tensor in another type, when it is read; an error where `by` gives none. `by` does not panic,
/// unlike burn-store's `FloatCastAdapter` and Burn's `convert_dtype`.
fn convert(tensor: PackTensor, to: DType, by: Convert) -> PackTensor {
    let (name, shape) = (tensor.name.clone(), tensor.shape.clone());
    bridge::deferred(name, to, shape, None, move || {
        let data = bridge::to_data(&tensor)?;
        if data.num_elements() == 0 {
            let empty = TensorData::try_from_bytes_vec(Vec::new(), data.shape().clone(), to);
            return empty.map_err(invalid);
        }
        let converted = by(data, to).map_err(invalid)?;
        converted.ok_or_else(|| invalid(format!("a value does not fit in {to:?}")))
    })
}

fn invalid(error: impl ToString) -> PackError {
    PackError::ValidationError(error.to_string())
}
