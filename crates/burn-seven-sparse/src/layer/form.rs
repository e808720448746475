//! A weight's packed form, carried beside its stored values.

use std::sync::Arc;

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, Reparameterization};
use burn::tensor::{Device, Tensor};
use burn_seven_core::kernels::PackedWeight;

use super::measure::{ROWS, class};

/// A packed weight and when to use it.
#[derive(Debug)]
pub(crate) struct Form {
    pub weight: PackedWeight,
    /// Where it was packed.
    pub device: Device,
    /// For which numbers of rows it is faster, as [`ROWS`].
    pub faster: [bool; ROWS.len()],
}

impl Form {
    /// Whether to multiply so many rows by the packed weight.
    pub fn pays(&self, rows: usize) -> bool {
        self.faster[class(rows)]
    }
}

/// What a packed weight's parameter carries.
///
/// To Burn it is a reparameterization that changes nothing: the parameter's value is the weight.
/// The layer takes it off before anything that may change the weight. Of a parameter that left its
/// layer it stays on, but without a form.
#[derive(Debug, Clone)]
pub(crate) struct PackedForm(Option<Arc<Form>>);

impl PackedForm {
    pub fn new(form: Form) -> Self {
        Self(Some(Arc::new(form)))
    }

    pub fn get(&self) -> Option<&Form> {
        self.0.as_deref()
    }

    fn on(self, device: &Device) -> Self {
        Self(self.0.filter(|form| form.device == *device))
    }
}

impl Reparameterization for PackedForm {
    const NAME: &'static str = "packed_weight";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        base
    }
}

impl Module for PackedForm {
    fn collect_devices(&self, devices: Devices) -> Devices {
        devices
    }

    fn fork(self, device: &Device) -> Self {
        self.on(device)
    }

    fn to_device(self, device: &Device) -> Self {
        self.on(device)
    }

    fn train(self) -> Self {
        Self(None)
    }

    fn valid(&self) -> Self {
        self.clone()
    }

    fn materialize(self) -> Self {
        self
    }

    fn visit<Visitor: ModuleVisitor>(&self, _visitor: &mut Visitor) {}

    fn map<Mapper: ModuleMapper>(self, _mapper: &mut Mapper) -> Self {
        Self(None)
    }
}
