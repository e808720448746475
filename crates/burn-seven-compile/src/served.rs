//! Constants whose values a forward pass reads while it is captured.
//!
//! The capture device has no values of what is computed, so that a forward pass that reads them fails.
//! Where they depend on constants alone it is run again, and the device is told beforehand that
//! the tensor which will be made in this place is another name of one with these values.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use burn::backend::capture::CaptureBackend;
use burn::tensor::{Device, Tensor, TensorData};
use burn_ir::{OperationIr, TensorId};
use burn_router::RouterClient;

use crate::interpreter::visit;

/// The values of a tensor, and where in a forward pass it is made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Served {
    /// How many tensors come between the first one and this.
    place: u64,
    /// Which operation makes it, and a number that says what there is up to that.
    operation: usize,
    trace: u64,
    data: TensorData,
}

/// The numbers that tensors have in one capture.
#[derive(Debug)]
pub(crate) struct Serving {
    first: TensorId,
    /// The tensors with values, one for each that is served.
    known: Vec<TensorId>,
}

impl Serving {
    /// Tells the capture device, whose scope has just begun, which values there are.
    pub fn begin(device: &Device, served: &[Served]) -> Option<Self> {
        let any = Tensor::<1>::from_data([0.0], device);
        let any = any.try_into_primitive::<CaptureBackend>().ok()?;
        let client = &any.client;
        let known = served
            .iter()
            .map(|one| client.register_tensor_data(one.data.clone()).id());
        let known: Vec<_> = known.collect();
        let first = client.register_tensor_data(TensorData::from([0.0f32])).id();
        let serving = Self { first, known };
        for (one, &known) in served.iter().zip(&serving.known) {
            client.register_alias(serving.tensor(one), known);
        }
        Some(serving)
    }

    /// The number that a served tensor should have.
    fn tensor(&self, served: &Served) -> TensorId {
        TensorId::new(self.first.value() + served.place)
    }

    /// Takes the other names back, so that operations are as if nothing had been read. False where
    /// other operations were made than the last time, so that a name may be of another tensor.
    pub fn settle(
        &self,
        served: &[Served],
        operations: &mut [OperationIr],
        data: &mut BTreeMap<TensorId, TensorData>,
    ) -> bool {
        for (one, known) in served.iter().zip(&self.known) {
            let tensor = self.tensor(one);
            data.remove(known);
            for operation in operations.iter_mut() {
                visit(operation, |ir| {
                    if ir.id == *known {
                        ir.id = tensor;
                    }
                });
            }
        }
        let traces = self.traces(operations);
        served
            .iter()
            .all(|one| traces.get(one.operation) == Some(&one.trace))
    }

    /// For each operation a number that says what there is up to it, whatever numbers tensors start
    /// from.
    fn traces(&self, operations: &[OperationIr]) -> Vec<u64> {
        let mut hasher = DefaultHasher::new();
        let trace = |operation: &OperationIr| {
            // One that gives values may be of a tensor that came before the first one.
            if !matches!(operation, OperationIr::Init(_)) {
                let mut operation = operation.clone();
                visit(&mut operation, |ir| {
                    let place = ir.id.value().wrapping_sub(self.first.value());
                    ir.id = TensorId::new(place);
                });
                operation.hash(&mut hasher);
            }
            hasher.finish()
        };
        operations.iter().map(trace).collect()
    }

    /// What is to be served for this tensor the next time.
    pub fn constant(
        &self,
        id: TensorId,
        operations: &[OperationIr],
        data: TensorData,
    ) -> Option<Served> {
        let makes = |operation: &OperationIr| operation.outputs().any(|ir| ir.id == id);
        let operation = operations.iter().position(makes)?;
        Some(Served {
            place: id.value().checked_sub(self.first.value())?,
            operation,
            trace: *self.traces(operations).get(operation)?,
            data,
        })
    }
}
