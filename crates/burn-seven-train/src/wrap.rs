//! From a pruner and a model to a model that prunes itself.

use burn::module::Module;
use burn_seven_core::{Failed, Pruner};

use crate::Pruned;

/// Puts a pruner and its model together.
pub trait Wrap {
    /// `model` with its masks attached, for Burn's `Learner`.
    ///
    /// # Errors
    ///
    /// Those of [`Pruner::attach`], with the model as it was.
    fn wrap<M: Module>(self, model: M) -> Result<Pruned<M>, Failed<M>>;
}

impl Wrap for Pruner {
    fn wrap<M: Module>(mut self, model: M) -> Result<Pruned<M>, Failed<M>> {
        let model = self.attach(model)?;
        Ok(Pruned::new(model, self))
    }
}
