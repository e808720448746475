//! The pruned model as a Burn module: its parameters are the model's, by the model's paths.

use std::sync::{Arc, Mutex};

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, ParamGroup};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Device;

use crate::Pruned;
use crate::pruned::lock;
use crate::record;

impl<M: Module> Pruned<M> {
    /// The same, with another form of the model.
    fn with_model(self, change: impl FnOnce(M) -> M) -> Self {
        Self {
            model: change(self.model),
            ..self
        }
    }

    /// On its own way from here on, on `device`.
    fn sent_to(self, device: &Device, send: impl FnOnce(M) -> M) -> Self {
        let pruner = lock(&self.pruner).clone();
        Self {
            model: send(self.model),
            pruner: Arc::new(Mutex::new(pruner)),
            device: Some(device.clone()),
            ..self
        }
    }
}

impl<M: Module> Module for Pruned<M> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.model.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.sent_to(device, |model| model.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.sent_to(device, |model| model.to_device(device))
    }

    fn train(self) -> Self {
        self.with_model(M::train)
    }

    fn valid(&self) -> Self {
        self.clone().with_model(|model| model.valid())
    }

    fn materialize(self) -> Self {
        self.with_model(M::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.model.visit(visitor);
    }

    fn map<T: ModuleMapper>(self, mapper: &mut T) -> Self {
        self.with_model(|model| model.map(mapper))
    }

    fn into_record(self) -> ModuleRecord {
        record::write(self)
    }

    fn into_record_group(self, group: ParamGroup) -> ModuleRecord {
        let mode = self.mode();
        record::plain(self.model, mode).into_record_group(group)
    }

    fn try_load_record(self, record: ModuleRecord) -> Result<Self, RecordError> {
        let monitor = self.monitor.clone();
        let (model, pruner) = record::read(self, record)?;
        monitor.recover(&pruner);
        Ok(Self::with_monitor(model, pruner, monitor))
    }

    // Burn's own panics; what loads a checkpoint in its trainer is this.
    fn load_record(self, record: ModuleRecord) -> Self {
        let before = self.clone();
        match self.try_load_record(record) {
            Ok(loaded) => loaded,
            Err(error) => {
                before.monitor.fail(burn_seven_core::Error::Record {
                    reason: error.to_string(),
                });
                before
            }
        }
    }
}
