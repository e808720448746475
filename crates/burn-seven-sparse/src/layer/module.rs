//! The layer as a Burn module, written out so that a packed form goes when it should.
//!
//! Burn puts a reparameterization that was there back on a parameter whatever becomes of it, so the
//! form is taken off before the parameter is trained, mapped or moved.

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};

use super::SparseLinear;
use super::form::PackedForm;

/// The layer's type, as visitors and mappers are told.
pub(super) const CONTAINER: &str = "Struct:SparseLinear";

impl SparseLinear {
    /// The layer with a plain weight.
    fn unpacked(mut self) -> Self {
        self.weight = plain(self.weight);
        self
    }

    fn is_on(&self, device: &Device) -> bool {
        self.form().is_some_and(|form| form.device == *device)
    }
}

fn plain(weight: Param<Tensor<2>>) -> Param<Tensor<2>> {
    match weight.reparameterization::<PackedForm>() {
        Some(_) => weight.materialize(),
        None => weight,
    }
}

impl Module for SparseLinear {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.bias
            .collect_devices(self.weight.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        if self.is_on(device) {
            let bias = self.bias.fork(device);
            return Self { bias, ..self };
        }
        let layer = self.unpacked();
        Self {
            weight: layer.weight.fork(device),
            bias: layer.bias.fork(device),
            activation: layer.activation,
        }
    }

    fn to_device(self, device: &Device) -> Self {
        if self.is_on(device) {
            let bias = self.bias.to_device(device);
            return Self { bias, ..self };
        }
        let layer = self.unpacked();
        Self {
            weight: layer.weight.to_device(device),
            bias: layer.bias.to_device(device),
            activation: layer.activation,
        }
    }

    fn train(self) -> Self {
        let layer = self.unpacked();
        Self {
            weight: layer.weight.train(),
            bias: layer.bias.train(),
            activation: layer.activation,
        }
    }

    fn valid(&self) -> Self {
        Self {
            // Packed weights are in that state, and the dense values need not be made for it.
            weight: match self.is_packed() {
                true => self.weight.clone(),
                false => self.weight.valid(),
            },
            bias: self.bias.valid(),
            activation: self.activation,
        }
    }

    fn materialize(self) -> Self {
        Self {
            weight: self.weight.materialize(),
            bias: self.bias.materialize(),
            activation: self.activation,
        }
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        visitor.enter_module("weight", CONTAINER);
        self.weight.visit(visitor);
        visitor.exit_module("weight", CONTAINER);
        visitor.enter_module("bias", CONTAINER);
        self.bias.visit(visitor);
        visitor.exit_module("bias", CONTAINER);
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        let layer = self.unpacked();
        mapper.enter_module("weight", CONTAINER);
        let weight = Module::map(layer.weight, mapper);
        mapper.exit_module("weight", CONTAINER);
        mapper.enter_module("bias", CONTAINER);
        let bias = Module::map(layer.bias, mapper);
        mapper.exit_module("bias", CONTAINER);
        Self {
            weight,
            bias,
            activation: layer.activation,
        }
    }
}
