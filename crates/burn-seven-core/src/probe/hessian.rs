//! The Hessian-gradient product, by central differences of gradients.

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{FloatDType, Tensor};

use super::backward;
use super::line::Line;
use super::noise::Noise;
use crate::kernels::KernelChoice;
use crate::weights::walk::{Visit, visit};
use crate::weights::{Found, Read, check_finite, find};
use crate::{Error, Selection, WeightGrads};

/// The product `H g` of the loss's Hessian and its gradient, both of the selected weights, in
/// float32 under the parameters' ids.
///
/// Burn differentiates once, so the product is a central difference of gradients,
///
/// ```text
/// H g ≈ (∇L(w + δ g) - ∇L(w - δ g)) / 2δ,   δ = epsilon · ‖w‖ / ‖g‖
/// ```
///
/// with the norms of all selected weights together. It is exact where the loss is quadratic in the
/// weights, but for rounding; where the gradient is 0, so is the product. In half precision
/// differences are mostly rounding: use float32.
///
/// `loss` is called three times. All three see the same dropout, as the generator of each of the
/// model's devices is seeded before each call, by a number that was drawn from the first one's; no
/// other thread should draw from them meanwhile. Pruning masks in the graph stay: `w` is then the
/// effective weight, and `g` is 0 where it is pruned. Running statistics, as of a batch
/// normalization, move on with each call. The model's weights are not touched.
///
/// ```
/// use burn::{nn::LinearConfig, tensor::{Device, Tensor}};
/// use burn_seven_core::{GraspScorerConfig, Selection, WeightGrads, probe::hessian_gradient};
///
/// # fn main() -> Result<(), burn_seven_core::Error> {
/// let device = Device::default().autodiff();
/// let model = LinearConfig::new(4, 3).init(&device);
/// let batch = Tensor::<2>::ones([2, 4], &device);
/// let product = hessian_gradient(&model, &Selection::new(), 1e-4, |model| {
///     model.forward(batch.clone()).square().mean()
/// })?;
/// let mut scorer = GraspScorerConfig::new().init();
/// scorer.update(&WeightGrads::new(&model, &product)?)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `epsilon` out of `(0, 1)`; those of [`WeightGrads::select`]; [`Error::NonFinite`]. A selected
/// weight without a gradient has no product, which is an error only for a scorer that needs one.
pub fn hessian_gradient<M: Module>(
    model: &M,
    selection: &Selection,
    epsilon: f64,
    mut loss: impl FnMut(&M) -> Tensor<1>,
) -> Result<GradientsParams, Error> {
    let gradient = |model: &M| backward(model, loss(model));
    let select = |all| selection.split(all).map(|(selected, _)| selected);
    products(model, select, epsilon, &KernelChoice::default(), gradient)?.product
}

/// Checks the size of the differences.
pub(crate) fn check_epsilon(value: f64) -> Result<(), Error> {
    // In float32, as it is used.
    let epsilon = value as f32;
    if epsilon > 0.0 && epsilon < 1.0 {
        return Ok(());
    }
    Err(Error::OutOfRange {
        parameter: "epsilon",
        value,
        allowed: "in (0, 1)",
    })
}

/// The gradients of one batch.
pub(crate) struct Products {
    /// Of the loss.
    pub loss: GradientsParams,
    /// Its product with the Hessian, or why there is none: [`Error::NonFinite`].
    pub product: Result<GradientsParams, Error>,
}

/// What `gradient` gives at the model's weights, and its product with the Hessian of the weights that `select` selects.
pub(crate) fn products<M: Module>(
    model: &M,
    select: impl Fn(Vec<Found>) -> Result<Vec<Found>, Error>,
    epsilon: f64,
    kernels: &KernelChoice,
    mut gradient: impl FnMut(&M) -> GradientsParams,
) -> Result<Products, Error> {
    check_epsilon(epsilon)?;
    select(find(model, Read::Description))?;
    let noise = Noise::draw(model);
    let mut gradient = |model: &M| {
        noise.replay();
        gradient(model)
    };
    let grads = gradient(model);
    let weights = WeightGrads::of_found(select(find(model, Read::Gradient(&grads)))?)?;
    if let Err(error) = check_finite(&weights, kernels) {
        return Ok(Products {
            loss: grads,
            product: Err(error),
        });
    }
    let ends = Line::along_gradient(&weights, epsilon).map(|line| Ends {
        ahead: gradient(&line.at(model, 1.0)),
        behind: gradient(&line.at(model, -1.0)),
        distance: 2.0 * line.delta,
    });
    Ok(Products {
        loss: grads,
        product: Ok(Quotient::of(model, &weights, ends)),
    })
}

/// The gradients at both ends of a line, and how far they are apart in multiples of the gradient.
struct Ends {
    ahead: GradientsParams,
    behind: GradientsParams,
    distance: f64,
}

/// The difference of two gradients over what lies between them.
struct Quotient<'a> {
    weights: &'a WeightGrads,
    /// None for a product of 0.
    ends: Option<Ends>,
    product: GradientsParams,
}

impl<'a> Quotient<'a> {
    fn of<M: Module>(model: &M, weights: &'a WeightGrads, ends: Option<Ends>) -> GradientsParams {
        let mut quotient = Self {
            weights,
            ends,
            product: GradientsParams::new(),
        };
        visit(model, &mut quotient);
        quotient.product
    }
}

impl Visit for Quotient<'_> {
    fn weight<const D: usize>(&mut self, path: &str, _: Option<&str>, param: &Param<Tensor<D>>) {
        let mut entries = self.weights.iter();
        let Some(entry) = entries.find(|entry| entry.weight().path() == path) else {
            return;
        };
        let product = match &mut self.ends {
            None => entry
                .grad()
                .map(|grad| grad.zeros_like().reshape(param.shape())),
            Some(ends) => {
                let ahead = ends.ahead.remove::<D>(param.id);
                let behind = ends.behind.remove::<D>(param.id);
                ahead.zip(behind).map(|(ahead, behind)| {
                    let difference = (ahead - behind).cast(FloatDType::F32);
                    difference.div_scalar(ends.distance)
                })
            }
        };
        if let Some(product) = product {
            self.product.register(param.id, product);
        }
    }
}
