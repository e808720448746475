//! The gradients that a scorer asks for, of one batch.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use super::Pruner;
use crate::probe::{absolute_gradient, backward, products};
use crate::weights::Found;
use crate::{Error, Gradient};

/// The gradients of one batch.
pub(super) struct Probe {
    /// That of the loss; empty where the closure gives no loss.
    pub loss: GradientsParams,
    /// What the scorer asks for, if it is not that.
    asked: Option<GradientsParams>,
}

impl Probe {
    /// What the scorer asks for.
    pub fn asked(&self) -> &GradientsParams {
        self.asked.as_ref().unwrap_or(&self.loss)
    }
}

impl Pruner {
    /// Takes the gradients of one batch that this step's scores ask for.
    pub(super) fn probe<M: Module, B: Clone>(
        &self,
        model: &M,
        batch: B,
        loss: &mut impl FnMut(&M, B) -> Tensor<1>,
    ) -> Result<Probe, Error> {
        let gradient = match self.is_scoring() {
            true => self.scorer.gradient(),
            false => Gradient::Loss,
        };
        match gradient {
            Gradient::Loss => Ok(Probe {
                loss: backward(model, loss(model, batch)),
                asked: None,
            }),
            Gradient::HessianGradient { epsilon } => {
                let select = |all| self.pruned(all);
                let kernels = self.selector.choice();
                let loss = |model: &M| loss(model, batch.clone());
                let products = products(model, select, epsilon, kernels, loss)?;
                let asked = match products.product {
                    // Without a product: the step finds the same and does what its policy says.
                    Err(Error::NonFinite { .. }) => None,
                    product => Some(product?),
                };
                Ok(Probe {
                    loss: products.loss,
                    asked,
                })
            }
            Gradient::AbsoluteWeights => Ok(Probe {
                loss: GradientsParams::new(),
                asked: Some(absolute_gradient(model, |model| loss(model, batch))?),
            }),
        }
    }

    /// The selected weights, with what the masks drop, wherever these are applied.
    fn pruned(&self, all: Vec<Found>) -> Result<Vec<Found>, Error> {
        let mut selected = self.selected(all)?;
        for (found, mask) in selected.iter_mut().zip(self.masks.iter()) {
            found.dropped = (mask.kept() < mask.total()).then(|| mask.dropped().clone());
        }
        Ok(selected)
    }
}
