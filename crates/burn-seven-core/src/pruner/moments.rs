//! An optimizer's statistics of weights that grew.

use std::collections::HashMap;

use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, DType};
use burn_pack::{Reader, Writer};

use crate::Error;
use crate::mask::Masks;
use crate::weights::{Read, find};

/// The optimizer with statistics of 0 for what is kept by `after` and was not by `before`.
///
/// Burn shows an optimizer's statistics as a record alone: every tensor in it that is named after a
/// weight and has its shape holds a number for each entry.
pub(super) fn reset_moments<M: Module>(
    optim: &ModuleOptimizer,
    model: &M,
    before: &Masks,
    after: &Masks,
) -> Result<ModuleOptimizer, Error> {
    let mut grown: HashMap<String, (Vec<usize>, Vec<bool>)> = HashMap::new();
    for found in find(model, Read::Description) {
        let masks = before.get(found.path()).zip(after.get(found.path()));
        let Some((before, after)) = masks else {
            continue;
        };
        let pairs = before.to_vec().into_iter().zip(after.to_vec());
        let grew = pairs.map(|(before, after)| after && !before).collect();
        let shape = found.weight.shape().to_vec();
        grown.insert(found.id.val().to_string(), (shape, grew));
    }
    let bytes = optim.to_record().into_bytes().map_err(record)?;
    let reader = Reader::from_bytes(bytes)?;
    let (scalars, texts) = (reader.scalars().clone(), reader.metadata().clone());
    let mut tensors = Vec::new();
    for tensor in reader.into_tensors()? {
        let (name, dtype, shape, id, bytes) = tensor.into_parts()?;
        let owner = name.split('.').next().and_then(|owner| grown.get(owner));
        let bytes = match owner {
            Some((weight, grew)) if shape.to_vec() == *weight => zeroed(bytes, dtype, grew),
            _ => bytes,
        };
        tensors.push(burn_pack::Tensor::new(name, dtype, shape, id, bytes));
    }
    let mut writer = Writer::new(tensors);
    for (key, value) in &scalars {
        writer = writer.with_scalar(key, *value);
    }
    for (key, value) in &texts {
        writer = writer.with_metadata(key, value);
    }
    let record_of = OptimizerRecord::from_bytes(writer.into_bytes()?).map_err(record)?;
    Ok(optim.clone().load_record(record_of))
}

fn zeroed(bytes: Bytes, dtype: DType, grew: &[bool]) -> Bytes {
    let size = dtype.size();
    let mut values = bytes.to_vec();
    for (value, _) in values
        .chunks_exact_mut(size)
        .zip(grew)
        .filter(|(_, grew)| **grew)
    {
        value.fill(0);
    }
    Bytes::from_bytes_vec(values)
}

fn record(error: impl std::fmt::Display) -> Error {
    Error::Record {
        reason: error.to_string(),
    }
}
