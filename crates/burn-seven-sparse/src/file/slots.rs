//! The parameters of a module, as places that a file's tensors come from and go to.

use burn::module::{Module, ModuleVisitor, Param, Parameter, Reparameterization};
use burn::tensor::kind::Basic;
use burn::tensor::{Bool, DType, Device, Int, Tensor};
use burn_store::{bridge, burn_pack::Tensor as PackTensor};

use super::Names;
use super::place::Place;
use crate::SparseError;
use crate::layer::PackedForm;

/// A packed form of a weight whose stored values are the weight itself.
const PACKED: &str = PackedForm::NAME;
/// The container of what a parameter carries beside its stored values.
const REPARAMETERIZATION: &str = "Reparameterization";

/// What a parameter's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Int,
    Bool,
}

impl Kind {
    /// Whether values of this type can be such a parameter's.
    pub(super) fn takes(self, dtype: DType) -> bool {
        match self {
            Self::Float => dtype.is_float(),
            Self::Int => dtype.is_int() || dtype.is_uint(),
            Self::Bool => dtype.is_bool() || dtype == DType::U8,
        }
    }
}

/// One parameter.
#[derive(Debug)]
pub(super) struct Slot {
    /// From the root, without what the file's names leave out.
    pub path: String,
    /// The types of the modules that hold it, outermost first.
    pub containers: Vec<String>,
    pub kind: Kind,
    pub dtype: DType,
    pub shape: Vec<usize>,
    /// Its values, unread; none if they were not asked for.
    pub value: Option<PackTensor>,
}

/// What to take from a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// Type and shape; a parameter that was not initialized yet stays so.
    Description,
    /// Its values as well.
    Value,
}

/// Every parameter of a module, in the module's order.
///
/// # Errors
///
/// [`SparseError::Reparameterized`], but for a packed form.
pub(super) fn slots<M: Module>(
    module: &M,
    names: Names,
    take: Take,
) -> Result<Vec<Slot>, SparseError> {
    let mut finder = Finder {
        place: Place::root(names),
        take,
        inside: false,
        slots: Vec::new(),
        error: None,
    };
    module.visit(&mut finder);
    match finder.error {
        Some(error) => Err(error),
        None => Ok(finder.slots),
    }
}

/// Whether what is loaded or saved is not the parameter's value but something made from it.
///
/// Burn does not say; its debug text does, and another text only makes loading initialize first.
pub(super) fn is_mapped<const D: usize, K: Basic>(param: &Param<Tensor<D, K>>) -> bool
where
    Tensor<D, K>: Parameter,
{
    !format!("{param:?}").contains("load: false, save: false")
}

struct Finder {
    place: Place,
    take: Take,
    /// Whether the current parameter belongs to another one.
    inside: bool,
    slots: Vec<Slot>,
    error: Option<SparseError>,
}

impl Finder {
    fn add<const D: usize, K: Basic + 'static>(
        &mut self,
        param: &Param<Tensor<D, K>>,
        kind: Kind,
        default: fn(&Device) -> DType,
    ) where
        Tensor<D, K>: Parameter,
    {
        if self.inside {
            return;
        }
        let path = self.place.path();
        let lazy = self.take == Take::Description && !param.is_initialized() && !is_mapped(param);
        let (dtype, shape, value) = if lazy {
            (default(&param.lazy_device()), param.lazy_shape(), None)
        } else {
            let tensor = param.val();
            let value = (self.take == Take::Value)
                .then(|| bridge::from_tensor(&tensor, path.clone(), None));
            (tensor.dtype(), tensor.shape(), value)
        };
        self.slots.push(Slot {
            path,
            containers: self.place.containers.clone(),
            kind,
            dtype,
            shape: shape.to_vec(),
            value,
        });
    }
}

impl ModuleVisitor for Finder {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        if container_type == REPARAMETERIZATION {
            self.inside = true;
            if name != PACKED {
                self.error.get_or_insert(SparseError::Reparameterized {
                    path: self.place.path(),
                    kind: name.to_string(),
                });
            }
        }
        self.place.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.inside &= container_type != REPARAMETERIZATION;
        self.place.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(param, Kind::Float, |device| {
            device.settings().float_dtype.into()
        });
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.add(param, Kind::Int, |device| {
            device.settings().int_dtype.into()
        });
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.add(param, Kind::Bool, |device| {
            device.settings().bool_dtype.into()
        });
    }
}
