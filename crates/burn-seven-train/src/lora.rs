//! LoRA on a pruned model: what is pruned stays 0, while the adapters are trained and when they are
//! merged.

use burn::module::{
    Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId, Reparameterization,
    Reparameterizer,
};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Distribution, FloatDType, Tensor};
use burn_seven_core::{Error, Masks};

/// A low-rank adapter under a mask: `W' = M ⊙ (W + s·A·B)`, with the mask `M` that the pruned base `W`
/// has.
///
/// Burn's reparameterizations do not nest, so the adapter holds the mask itself.
/// [`Module::materialize`] merges it: a plain weight, with exact zeros where it was pruned.
#[derive(Module, Debug)]
pub struct MaskedLora {
    /// `A`, shape `[in, rank]`, trained.
    pub a: Param<Tensor<2>>,
    /// `B`, shape `[rank, out]`, trained, 0 at the start.
    pub b: Param<Tensor<2>>,
    /// What is pruned, row-major, shape `[in · out]`.
    pub pruned: Param<Tensor<1, Bool>>,
    /// `s`.
    pub scale: f64,
}

const MASKED_LORA: &str = "masked_lora";

impl Reparameterization for MaskedLora {
    const NAME: &'static str = MASKED_LORA;

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let shape = base.shape();
        let delta = self.a.val().matmul(self.b.val()).mul_scalar(self.scale);
        let pruned: Tensor<D, Bool> = self.pruned.val().reshape(shape.clone());
        (base + delta.reshape(shape)).mask_fill(pruned, 0.0)
    }
}

/// Puts [`MaskedLora`] adapters on a pruned model.
///
/// ```
/// # use burn::{module::{Module, ParamGroup}, nn::{Linear, LinearConfig}, tensor::Device};
/// # use burn_seven_core::{Error, Masks, Selection};
/// # use burn_seven_train::MaskedLoraConfig;
/// # #[derive(Module, Debug)]
/// # struct Model { body: Linear, head: Linear }
/// # fn main() -> Result<(), Error> {
/// # let device = Device::flex().autodiff();
/// # let linear = || LinearConfig::new(4, 4).init(&device);
/// # let model = Model { body: linear(), head: linear() };
/// let masks = Masks::of_model(&model, &Selection::new())?;     // or pruner.masks()
/// let lora = MaskedLoraConfig::new(2)
///     .with_alpha(4.0)
///     .with_trained(ParamGroup::from_paths(vec!["head.weight", "head.bias"])); // as it is; all else is frozen
/// let model = lora.attach(model, &masks)?;
/// // ... train as usual ...
/// let model = model.materialize();                             // merged, as sparse as before
/// # let _ = model;
/// # Ok(())
/// # }
/// ```
///
/// After E. Hu et al., [LoRA](https://arxiv.org/abs/2106.09685).
#[derive(Debug, Clone)]
pub struct MaskedLoraConfig {
    rank: usize,
    alpha: Option<f64>,
    trained: Option<ParamGroup>,
}

impl MaskedLoraConfig {
    /// Adapters of this rank, at least 1, on every matrix that has a mask and is not
    /// [trained](Self::with_trained).
    pub fn new(rank: usize) -> Self {
        Self {
            rank,
            alpha: None,
            trained: None,
        }
    }

    /// The scale times the rank, above 0. Default: the rank, which is a scale of 1
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = Some(alpha);
        self
    }

    /// What is trained as it is, without an adapter, such as a new head; its zeros are not held. Default:
    /// nothing
    pub fn with_trained(mut self, group: ParamGroup) -> Self {
        self.trained = Some(group);
        self
    }

    /// The model with adapters, everything frozen but them and what is
    /// [trained](Self::with_trained). What `masks` prune is set to 0 in the weights.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for the rank or alpha; [`Error::WeightMissing`] or
    /// [`Error::ShapeMismatch`] for masks that do not fit; [`Error::Reparameterized`] where the model
    /// has masks in its graph still, or adapters; [`Error::NothingSelected`] where no matrix has a mask.
    pub fn attach<M: Module>(&self, model: M, masks: &Masks) -> Result<M, Error> {
        if self.rank == 0 {
            return Err(Error::OutOfRange {
                parameter: "rank",
                value: 0.0,
                allowed: "at least 1",
            });
        }
        if let Some(alpha) = self.alpha
            && !(alpha.is_finite() && alpha > 0.0)
        {
            return Err(Error::OutOfRange {
                parameter: "alpha",
                value: alpha,
                allowed: "finite and above 0",
            });
        }
        let mut look = Look::default();
        model.visit(&mut look);
        if let Some((path, kind)) = look.reparameterized {
            return Err(Error::Reparameterized { path, kind });
        }
        let model = masks.apply(model)?;
        let trained = |id, path: &str| {
            let group = self.trained.as_ref();
            group.is_some_and(|group| group.matches(id, Some(path)))
        };
        let adapted = look.matrices.iter();
        if !adapted
            .into_iter()
            .any(|(id, path)| masks.get(path).is_some() && !trained(id, path))
        {
            return Err(Error::NothingSelected {
                seen: look.matrices.len(),
                reasons: "and an adapter needs a matrix that has a mask and is not trained"
                    .to_string(),
            });
        }
        Ok(model.apply_reparameterization(Attach {
            config: self,
            masks,
        }))
    }

    /// Estimates of the frozen weights' gradients, from those of the adapters: what one step of
    /// gradient descent of rate 1 on `A` and `B` takes from `s·A·B`,
    /// `s·(∂A·B + A·∂B - ∂A·∂B)`. For scores where the base has no gradient: give them to
    /// [`Pruner::step`](burn_seven_core::Pruner::step), never to the optimizer.
    ///
    /// After M. Zhang et al., [LoRAPrune](https://arxiv.org/abs/2305.18403).
    pub fn base_gradients<M: Module>(&self, model: &M, grads: &GradientsParams) -> GradientsParams {
        let mut estimate = Estimate {
            scale: self.scale(),
            path: Vec::new(),
            grads,
            base: None,
            a: None,
            estimates: GradientsParams::new(),
        };
        model.visit(&mut estimate);
        estimate.estimates
    }

    /// The model with these masks in its adapters, after a pruner chose others.
    pub fn update_masks<M: Module>(&self, model: M, masks: &Masks) -> M {
        model.map(&mut Update {
            path: Vec::new(),
            masks,
        })
    }

    fn scale(&self) -> f64 {
        self.alpha.map_or(1.0, |alpha| alpha / self.rank as f64)
    }
}

/// Finds the matrices, and the first reparameterization.
#[derive(Default)]
struct Look {
    path: Vec<String>,
    matrices: Vec<(ParamId, String)>,
    reparameterized: Option<(String, String)>,
}

impl ModuleVisitor for Look {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        if container_type == "Reparameterization" {
            let path = self.path.join(".");
            self.reparameterized.get_or_insert((path, name.to_string()));
        }
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D == 2 {
            self.matrices.push((param.id, self.path.join(".")));
        }
    }
}

struct Attach<'a> {
    config: &'a MaskedLoraConfig,
    masks: &'a Masks,
}

impl Reparameterizer for Attach<'_> {
    type Reparam = MaskedLora;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<MaskedLora>) {
        let trained = self.config.trained.as_ref();
        if trained.is_some_and(|group| group.matches(&param.id, Some(path))) {
            return (param, None);
        }
        let base = param.set_require_grad(false);
        let mask = match self.masks.get(path) {
            Some(mask) if D == 2 => mask,
            _ => return (base, None),
        };
        let value = base.base();
        let (device, dtype) = (value.device(), FloatDType::from(value.dtype()));
        let (rank, shape) = (self.config.rank, mask.shape());
        let noise = Distribution::Normal(0.0, 1.0 / rank as f64);
        let a = Tensor::<2>::random([shape[0], rank], noise, &device).cast(dtype);
        let b = Tensor::<2>::zeros([rank, shape[1]], &device).cast(dtype);
        let adapter = MaskedLora {
            a: Param::from_tensor(a),
            b: Param::from_tensor(b),
            pruned: Param::initialized(ParamId::new(), mask.pruned().clone()),
            scale: self.config.scale(),
        };
        (base, Some(adapter))
    }
}

struct Estimate<'a> {
    scale: f64,
    path: Vec<String>,
    grads: &'a GradientsParams,
    base: Option<ParamId>,
    /// `A` and its gradient.
    a: Option<(Tensor<2>, Tensor<2>)>,
    estimates: GradientsParams,
}

impl Estimate<'_> {
    /// Whether the parameter is an adapter's, and which.
    fn factor(&self) -> Option<&str> {
        match self.path.as_slice() {
            [.., adapter, factor] if adapter == MASKED_LORA => Some(factor),
            _ => None,
        }
    }

    fn with_gradient<const D: usize>(
        &self,
        param: &Param<Tensor<D>>,
    ) -> Option<(Tensor<2>, Tensor<2>)> {
        let grad = self.grads.get::<D>(param.id)?;
        let value = param.val().without_autodiff();
        let shape: [usize; 2] = value.shape().to_vec().try_into().ok()?;
        Some((value.reshape(shape), grad.without_autodiff().reshape(shape)))
    }
}

impl ModuleVisitor for Estimate<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match self.factor() {
            None => self.base = Some(param.id),
            Some("a") => self.a = self.with_gradient(param),
            Some(_) => {
                let b = self.with_gradient(param);
                if let (Some(base), Some((a, of_a)), Some((b, of_b))) =
                    (self.base.take(), self.a.take(), b)
                {
                    let first = of_a.clone().matmul(b) + a.matmul(of_b.clone());
                    let estimate = (first - of_a.matmul(of_b)).mul_scalar(self.scale);
                    self.estimates.register(base, estimate);
                }
            }
        }
    }
}

struct Update<'a> {
    path: Vec<String>,
    masks: &'a Masks,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        let mask = match self.path.as_slice() {
            [base @ .., adapter, _] if adapter == MASKED_LORA => self.masks.get(&base.join(".")),
            _ => None,
        };
        match mask {
            None => param,
            Some(mask) => param.map(|old| mask.pruned().clone().reshape(old.shape())),
        }
    }
}
