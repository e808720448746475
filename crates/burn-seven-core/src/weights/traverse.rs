//! The one traversal that finds float parameters, with their layers and masks.

use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Tensor};

use super::{ModulePath, Values, Weight};

/// The name under which module paths show a pruning mask.
pub(crate) const PRUNING_MASK: &str = "pruning_mask";

/// A float parameter of a module.
pub(crate) struct Found {
    pub weight: Arc<Weight>,
    pub id: ParamId,
    /// Whether it is trained; a parameter outside autodiff is not.
    pub trained: bool,
    /// The stored value; none when quantized, or when it was not asked for.
    pub value: Option<Values>,
    /// The gradient's shape and its values.
    pub grad: Option<(Vec<usize>, Values)>,
    /// The name of its reparameterization, if any.
    pub reparameterization: Option<String>,
    /// What a pruning mask in the graph prunes, and the mask's id.
    pub pruned: Option<(ParamId, Tensor<1, Bool>)>,
}

impl Found {
    pub(crate) fn path(&self) -> &str {
        self.weight.path()
    }

    /// The same weight and value, without a gradient.
    pub(crate) fn without_gradient(&self) -> Self {
        Self {
            weight: self.weight.clone(),
            id: self.id,
            trained: self.trained,
            value: self.value.clone(),
            grad: None,
            reparameterization: None,
            pruned: None,
        }
    }
}

/// What to take from each parameter beside its description.
#[derive(Clone, Copy)]
pub(crate) enum Read<'a> {
    /// Nothing.
    Description,
    /// Its value.
    Value,
    /// Its value, and its gradient where there is one.
    Gradient(&'a GradientsParams),
}

/// Every float parameter of `module` in the module's order.
pub(crate) fn find<M: Module>(module: &M, read: Read<'_>) -> Vec<Found> {
    let mut finder = Finder {
        path: ModulePath::default(),
        read,
        found: Vec::new(),
    };
    module.visit(&mut finder);
    finder.found
}

struct Finder<'a> {
    path: ModulePath,
    read: Read<'a>,
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
        let base = param.base();
        let trained = base.is_require_grad();
        let base = base.without_autodiff();
        let weight = Weight::new(
            self.path.dotted(),
            base.shape().to_vec(),
            base.dtype(),
            &base.device(),
        );
        let wanted = weight.dtype().is_float() && !matches!(self.read, Read::Description);
        let value = wanted.then(|| Values::of(base));
        let grad = match self.read {
            Read::Gradient(grads) => grads
                .get::<D>(param.id)
                .map(|grad| (grad.shape().to_vec(), Values::of(grad))),
            _ => None,
        };
        self.found.push(Found {
            weight: Arc::new(weight.with_layer(self.path.layer().map(str::to_string))),
            id: param.id,
            trained,
            value,
            grad,
            reparameterization: None,
            pruned: None,
        });
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        let is_mask = self
            .path
            .reparameterized()
            .is_some_and(|(_, kind)| kind == PRUNING_MASK);
        if is_mask && let Some(last) = self.found.last_mut() {
            let pruned = param.val().without_autodiff();
            let count = pruned.shape().num_elements();
            last.pruned = Some((param.id, pruned.reshape([count])));
        }
    }
}
