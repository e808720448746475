//! The one traversal that finds float parameters, with their paths, layers and masks.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, DType, Device, Tensor};

use super::Values;
use crate::Error;
use crate::mask::PruningMask;

/// Where a visitor or mapper stands in a module: names from the root, with their containers.
#[derive(Default)]
pub(crate) struct ModulePath {
    steps: Vec<(String, String)>,
}

impl ModulePath {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.steps.push((name.to_string(), container.to_string()));
    }

    pub(crate) fn exit(&mut self) {
        self.steps.pop();
    }

    /// The dotted path of the current parameter.
    pub(crate) fn dotted(&self) -> String {
        let names: Vec<&str> = self.steps.iter().map(|(name, _)| name.as_str()).collect();
        names.join(".")
    }

    /// The type of the layer that holds the current parameter, such as `Linear`.
    fn layer(&self) -> Option<&str> {
        self.steps
            .last()
            .and_then(|(_, container)| container.strip_prefix("Struct:"))
    }

    /// The path of the parameter whose reparameterization holds the current one, and the
    /// reparameterization's name.
    pub(crate) fn reparameterized(&self) -> Option<(String, &str)> {
        let at = self
            .steps
            .iter()
            .position(|(_, container)| container == "Reparameterization")?;
        let base: Vec<&str> = self.steps[..at]
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        Some((base.join("."), self.steps[at].0.as_str()))
    }
}

/// A float parameter of a module.
pub(crate) struct Found {
    pub path: String,
    pub id: ParamId,
    /// The type of the layer that holds it, such as `Linear`.
    pub layer: Option<String>,
    pub shape: Vec<usize>,
    pub dtype: DType,
    pub device: Device,
    /// The stored value; none when quantized, or when it was not asked for.
    pub value: Option<Values>,
    /// The gradient's shape and its values.
    pub grad: Option<(Vec<usize>, Values)>,
    /// The name of its reparameterization, if any.
    pub reparameterization: Option<String>,
    /// What a pruning mask in the graph drops.
    pub dropped: Option<Tensor<1, Bool>>,
}

impl Found {
    /// Checks that the parameter can be pruned at all.
    pub(crate) fn check_float(&self) -> Result<(), Error> {
        if self.dtype.is_float() {
            return Ok(());
        }
        Err(Error::Quantized {
            path: self.path.clone(),
            dtype: format!("{:?}", self.dtype),
        })
    }
}

/// What to take from each parameter beside its description.
#[derive(Clone, Copy)]
pub(crate) enum Take<'a> {
    /// Nothing.
    Description,
    /// Its value.
    Value,
    /// Its value, and its gradient where there is one.
    Gradient(&'a GradientsParams),
}

/// Every float parameter of `module` in the module's order.
pub(crate) fn find<M: Module>(module: &M, take: Take<'_>) -> Vec<Found> {
    let mut finder = Finder {
        path: ModulePath::default(),
        take,
        found: Vec::new(),
    };
    module.visit(&mut finder);
    finder.found
}

struct Finder<'a> {
    path: ModulePath,
    take: Take<'a>,
    found: Vec<Found>,
}

impl ModuleVisitor for Finder<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
        // A reparameterization is entered right after the parameter that carries it.
        if container_type == "Reparameterization"
            && let Some(last) = self.found.last_mut()
        {
            last.reparameterization = Some(name.to_string());
        }
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.path.reparameterized().is_some() {
            return; // an adapter's factor, not a weight of the model
        }
        let base = param.base().without_autodiff();
        let dtype = base.dtype();
        let shape = base.shape().to_vec();
        let device = base.device();
        let wanted = dtype.is_float() && !matches!(self.take, Take::Description);
        let value = wanted.then(|| Values::of(base));
        let grad = match self.take {
            Take::Gradient(grads) => grads
                .get::<D>(param.id)
                .map(|grad| (grad.shape().to_vec(), Values::of(grad))),
            _ => None,
        };
        self.found.push(Found {
            path: self.path.dotted(),
            id: param.id,
            layer: self.path.layer().map(str::to_string),
            shape,
            dtype,
            device,
            value,
            grad,
            reparameterization: None,
            dropped: None,
        });
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        let is_mask = self
            .path
            .reparameterized()
            .is_some_and(|(_, kind)| kind == PruningMask::PATH);
        if is_mask && let Some(last) = self.found.last_mut() {
            let dropped = param.val().without_autodiff();
            let count = dropped.shape().num_elements();
            last.dropped = Some(dropped.reshape([count]));
        }
    }
}
