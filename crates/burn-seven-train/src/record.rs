//! A pruned model's record: that of the plain model, and the pruner's state beside it.

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, DType, Device, Int, Tensor, TensorData};
use burn_seven_core::{Error, MaskMode, Pruner};

use crate::Pruned;
use crate::state::State;
use crate::stored::{restore, stored};

/// The first step of the state's paths; no field of a struct can have this name.
const ROOT: &str = "burn-seven";
const LENGTH: &str = "length";
const STATE: &str = "state";

/// The model as it would be without a pruner, with 0 for what is pruned.
pub(crate) fn plain<M: Module>(model: M, mode: MaskMode) -> M {
    match mode {
        MaskMode::InGraph => model.materialize(),
        // Its zeros are in the weights; what else is on them is not the pruner's.
        MaskMode::AfterStep => model,
    }
}

/// The record of a pruned model.
pub(crate) fn write<M: Module>(pruned: Pruned<M>) -> ModuleRecord {
    let mode = pruned.mode();
    let state = pruned.pruner().and_then(|pruner| {
        let stored = match mode {
            MaskMode::InGraph => stored(&pruned.model, pruner.masks()),
            MaskMode::AfterStep => Default::default(),
        };
        let pruner = pruner.to_record();
        State { pruner, stored }.into_bytes()
    });
    let model = plain(pruned.model, mode);
    match state {
        Ok(state) => Saved::new(model, &state).into_record(),
        Err(error @ Error::OldCopy { .. }) => {
            log::warn!("the record holds the weights, and no state of the pruner: {error}");
            model.into_record()
        }
        Err(error) => {
            pruned.monitor.fail(error);
            model.into_record()
        }
    }
}

/// The model and the pruner of a record, which may be a plain model's.
pub(crate) fn read<M: Module>(
    pruned: Pruned<M>,
    record: ModuleRecord,
) -> Result<(M, Pruner), RecordError> {
    let mut pruner = pruned.any_pruner().map_err(invalid)?;
    let model = plain(pruned.model, pruner.mode());
    // Asks only for the state, of which a plain model's record has none.
    let state = record.clone().allow_partial(true).allow_unused(true);
    let state = Saved::empty(false).try_load_record(state)?;
    if !state.found {
        let model = model.try_load_record(record)?;
        let model = pruner
            .attach(model)
            .map_err(|failed| invalid(failed.into()))?;
        return Ok((model, pruner));
    }
    let State {
        pruner: pruner_record,
        stored,
    } = State::from_bytes(state.bytes()?).map_err(invalid)?;
    let loaded = Saved::empty(model).try_load_record(record)?;
    pruner.load_record(pruner_record).map_err(invalid)?;
    let model = pruner.attach(loaded.model);
    let model = model.map_err(|failed| invalid(failed.into()))?;
    let model = restore(model, stored).map_err(invalid)?;
    Ok((model, pruner))
}

fn invalid(error: Error) -> RecordError {
    RecordError::Validation(error.to_string())
}

/// A plain model and a pruner's state, as Burn records and loads them.
///
/// A tensor is loaded into one of its own shape. The length comes first, so that the state's shape is
/// known when it is loaded.
#[derive(Debug, Clone)]
struct Saved<M> {
    model: M,
    length: Param<Tensor<1, Int>>,
    state: Param<Tensor<1, Int>>,
    /// Whether a record had a length.
    found: bool,
}

impl<M: Module> Saved<M> {
    fn new(model: M, state: &[u8]) -> Self {
        Self {
            model,
            length: Param::initialized(ParamId::new(), length(state.len())),
            state: Param::initialized(ParamId::new(), bytes(state)),
            found: false,
        }
    }

    fn empty(model: M) -> Self {
        Self::new(model, &[])
    }

    fn bytes(&self) -> Result<Bytes, RecordError> {
        let data = self.state.val().into_data();
        let (found, expected) = (data.num_elements(), self.length());
        if found != expected || data.dtype() != DType::U8 {
            return Err(RecordError::Validation(format!(
                "{ROOT}.{STATE} has {found} entries of {:?}, but {expected} of U8 were expected",
                data.dtype()
            )));
        }
        Ok(data.into_parts().0)
    }

    fn length(&self) -> usize {
        usize::try_from(self.length.val().into_scalar::<i64>()).unwrap_or(0)
    }
}

// The host: Burn's trainer has flex in any case.
fn length(length: usize) -> Tensor<1, Int> {
    let data = TensorData::new(vec![length as i64], [1]);
    Tensor::from_data(data, (&Device::flex(), DType::I64))
}

fn bytes(bytes: &[u8]) -> Tensor<1, Int> {
    let data = TensorData::new(bytes.to_vec(), [bytes.len()]);
    Tensor::from_data(data, (&Device::flex(), DType::U8))
}

impl<M: Module> Module for Saved<M> {
    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.model.visit(visitor);
        visitor.enter_module(ROOT, ROOT);
        visitor.enter_module(LENGTH, ROOT);
        visitor.visit_int(&self.length);
        visitor.exit_module(LENGTH, ROOT);
        visitor.enter_module(STATE, ROOT);
        visitor.visit_int(&self.state);
        visitor.exit_module(STATE, ROOT);
        visitor.exit_module(ROOT, ROOT);
    }

    fn map<T: ModuleMapper>(mut self, mapper: &mut T) -> Self {
        self.model = self.model.map(mapper);
        mapper.enter_module(ROOT, ROOT);
        mapper.enter_module(LENGTH, ROOT);
        let id = self.length.id;
        self.length = mapper.map_int(self.length);
        self.found = self.length.id != id;
        mapper.exit_module(LENGTH, ROOT);
        mapper.enter_module(STATE, ROOT);
        let length = self.length();
        let empty = Param::uninitialized(
            ParamId::new(),
            |_, _| bytes(&[]),
            Device::flex(),
            false,
            [length].into(),
        );
        self.state = mapper.map_int(empty);
        mapper.exit_module(STATE, ROOT);
        mapper.exit_module(ROOT, ROOT);
        self
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.model.collect_devices(devices)
    }

    fn fork(mut self, device: &Device) -> Self {
        self.model = self.model.fork(device);
        self
    }

    fn to_device(mut self, device: &Device) -> Self {
        self.model = self.model.to_device(device);
        self
    }

    fn train(mut self) -> Self {
        self.model = self.model.train();
        self
    }

    fn valid(&self) -> Self {
        Self {
            model: self.model.valid(),
            ..self.clone()
        }
    }

    fn materialize(mut self) -> Self {
        self.model = self.model.materialize();
        self
    }
}
