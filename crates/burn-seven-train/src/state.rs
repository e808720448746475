//! What a checkpoint holds beside the plain model, as bytes: the pruner's record, and the stored
//! values of masked weights.

use std::collections::BTreeMap;

use burn::tensor::{Bytes, DType, TensorData};
use burn_pack::{Reader, Writer};
use burn_seven_core::{Error, PrunerRecord};

const PRUNER: &str = "pruner";
const STORED: &str = "stored.";

/// The state of a pruned model that is not in the plain model.
pub(crate) struct State {
    pub pruner: PrunerRecord,
    /// The stored values of masked weights, by path: an optimizer may move what a mask in the graph
    /// prunes.
    pub stored: BTreeMap<String, TensorData>,
}

impl State {
    pub(crate) fn into_bytes(self) -> Result<Bytes, Error> {
        let record = self.pruner.into_bytes()?;
        let shape = burn::tensor::Shape::from([record.len()]);
        let mut tensors = vec![burn_pack::Tensor::new(
            PRUNER.to_string(),
            DType::U8,
            shape,
            None,
            record,
        )];
        for (path, data) in self.stored {
            let (bytes, shape, dtype) = data.into_parts();
            let name = format!("{STORED}{path}");
            tensors.push(burn_pack::Tensor::new(name, dtype, shape, None, bytes));
        }
        Ok(Writer::new(tensors).into_bytes()?)
    }

    pub(crate) fn from_bytes(bytes: Bytes) -> Result<Self, Error> {
        let (mut pruner, mut stored) = (None, BTreeMap::new());
        for tensor in Reader::from_bytes(bytes)?.into_tensors()? {
            let (name, dtype, shape, _, bytes) = tensor.into_parts()?;
            match name.strip_prefix(STORED) {
                None => pruner = Some(PrunerRecord::from_bytes(bytes)?),
                Some(path) => {
                    let data = TensorData::try_from_bytes(bytes, shape, dtype);
                    let data = data.map_err(|error| Error::Record {
                        reason: format!("tensor {name}: {error}"),
                    })?;
                    stored.insert(path.to_string(), data);
                }
            }
        }
        let pruner = pruner.ok_or_else(|| Error::RecordMismatch {
            what: "pruner's record".to_string(),
            expected: "there".to_string(),
            found: "missing".to_string(),
        })?;
        Ok(Self { pruner, stored })
    }
}
