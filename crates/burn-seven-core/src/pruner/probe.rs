//! The gradients that a scorer asks for, of a round of batches.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Tensor;

use super::Pruner;
use crate::probe::{absolute_gradient, backward, products};
use crate::weights::Found;
use crate::{Error, Gradient};

/// The gradients of a batch.
pub(super) struct Probe {
    /// That of the loss; empty where the closure gives no loss.
    pub loss: GradientsParams,
    asked: Asked,
}

/// What a scorer asks for.
enum Asked {
    /// The gradient of the loss.
    Loss,
    /// Another.
    Other(GradientsParams),
    /// Nothing, before the round ends.
    Nothing,
}

impl Probe {
    /// What the scorer asks for; none leaves the batch to the end of its round.
    pub fn asked(&self) -> Option<&GradientsParams> {
        match &self.asked {
            Asked::Loss => Some(&self.loss),
            Asked::Other(asked) => Some(asked),
            Asked::Nothing => None,
        }
    }
}

impl Pruner {
    /// Takes the gradients that this step's scores ask for. `round` are the batches since masks were
    /// last chosen, the step's own at the end; `trains` says that the loss's gradient is needed in
    /// any case.
    pub(super) fn probe<M: Module, B: Clone>(
        &self,
        model: &M,
        round: &[B],
        trains: bool,
        loss: &mut impl FnMut(&M, B) -> Tensor<1>,
    ) -> Result<Probe, Error> {
        let gradient = match self.is_scoring() {
            true => self.scorer.reads().gradient(),
            false => None,
        };
        let last = round.len().saturating_sub(1);
        match gradient.unwrap_or_default() {
            Gradient::Loss => Ok(Probe {
                loss: mean_gradient(model, &round[last..], loss),
                asked: Asked::Loss,
            }),
            // One product for a whole round, when masks are due.
            Gradient::HessianGradient { .. }
                if !self.overdue && !self.schedule.updates_at(self.step) =>
            {
                let loss = match trains {
                    true => mean_gradient(model, &round[last..], loss),
                    false => GradientsParams::new(),
                };
                Ok(Probe {
                    loss,
                    asked: Asked::Nothing,
                })
            }
            Gradient::HessianGradient { epsilon } => {
                let select = |all| self.pruned(all);
                let kernels = self.selector.choice();
                let gradient = |model: &M| mean_gradient(model, round, loss);
                let products = products(model, select, epsilon, kernels, gradient)?;
                Ok(Probe {
                    loss: products.loss,
                    asked: match products.product {
                        // Without a product: the step finds the same and does what its policy says.
                        Err(Error::NonFinite { .. }) => Asked::Loss,
                        product => Asked::Other(product?),
                    },
                })
            }
            Gradient::AbsoluteWeights => {
                let batches = &round[last..];
                let mut output = |model: &M| {
                    let outputs = batches.iter().map(|batch| loss(model, batch.clone()));
                    let output = outputs.reduce(|sum, output| sum + output);
                    output.expect("a round should have a batch")
                };
                Ok(Probe {
                    loss: GradientsParams::new(),
                    asked: Asked::Other(absolute_gradient(model, |model| output(model))?),
                })
            }
        }
    }

    /// The selected weights, with what the masks prune, wherever these are applied.
    fn pruned(&self, all: Vec<Found>) -> Result<Vec<Found>, Error> {
        let mut selected = self.selected(all)?;
        for (found, mask) in selected.iter_mut().zip(self.masks.iter()) {
            let pruned = !mask.is_dense();
            found.pruned = pruned.then(|| (mask.stamp(), mask.pruned().clone()));
        }
        Ok(selected)
    }
}

/// The gradient of the mean loss of these batches, taken one by one.
fn mean_gradient<M: Module, B: Clone>(
    model: &M,
    batches: &[B],
    loss: &mut impl FnMut(&M, B) -> Tensor<1>,
) -> GradientsParams {
    if let [batch] = batches {
        return backward(model, loss(model, batch.clone()));
    }
    let mut sum = GradientsAccumulator::new();
    for batch in batches {
        let loss = loss(model, batch.clone()).div_scalar(batches.len() as f64);
        sum.accumulate(model, backward(model, loss));
    }
    sum.grads()
}
