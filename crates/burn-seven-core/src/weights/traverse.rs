//! What a model's float parameters are, with their layers and masks.

use std::sync::Arc;

use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, GradientCheckpointingStrategy, Tensor};

use super::walk::{Visit, visit};
use super::{Values, Weight};

/// A float parameter of a module.
pub(crate) struct Found {
    pub weight: Arc<Weight>,
    pub id: ParamId,
    /// Whether it is trained; a parameter outside autodiff is not.
    pub trained: bool,
    /// What autodiff keeps of its graph; none outside autodiff.
    pub checkpointing: Option<GradientCheckpointingStrategy>,
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
            checkpointing: self.checkpointing,
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
        read,
        found: Vec::new(),
    };
    visit(module, &mut finder);
    finder.found
}

struct Finder<'a> {
    read: Read<'a>,
    found: Vec<Found>,
}

impl Visit for Finder<'_> {
    fn weight<const D: usize>(
        &mut self,
        path: &str,
        layer: Option<&str>,
        param: &Param<Tensor<D>>,
    ) {
        let base = param.base();
        let trained = base.is_require_grad();
        let checkpointing = base.gradient_checkpointing_strategy();
        let base = base.without_autodiff();
        let weight = Weight::new(path, base.shape().to_vec(), base.dtype(), &base.device());
        let wanted = weight.dtype().is_float() && !matches!(self.read, Read::Description);
        let value = wanted.then(|| Values::of(base));
        let grad = match self.read {
            Read::Gradient(grads) => grads
                .get::<D>(param.id)
                .map(|grad| (grad.shape().to_vec(), Values::of(grad))),
            _ => None,
        };
        self.found.push(Found {
            weight: Arc::new(weight.with_layer(layer.map(str::to_string))),
            id: param.id,
            trained,
            checkpointing,
            value,
            grad,
            reparameterization: None,
            pruned: None,
        });
    }

    fn reparameterization(&mut self, name: &str) {
        if let Some(last) = self.found.last_mut() {
            last.reparameterization = Some(name.to_string());
        }
    }

    fn mask<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        if let Some(last) = self.found.last_mut() {
            let pruned = param.val().without_autodiff();
            let count = pruned.shape().num_elements();
            last.pruned = Some((param.id, pruned.reshape([count])));
        }
    }
}
