//! LoRA on a model that was pruned before: what the masks drop stays 0, also after merging.

use burn::module::{Module, ParamGroup};
use burn_seven::train::MaskedLoraConfig;
use burn_seven::{Error, Masks};

/// Rank of the adapters.
const RANK: usize = 8;
/// LoRA's alpha: the product of an adapter's factors counts twice.
const ALPHA: f64 = 16.0;

/// Freezes all of `model` but its head, and puts adapters on the matrices that `masks` prune.
///
/// # Errors
///
/// Those of [`MaskedLoraConfig::attach`].
pub fn attach<M: Module>(model: M, masks: &Masks) -> Result<M, Error> {
    MaskedLoraConfig::new(RANK)
        .with_alpha(ALPHA)
        .with_trained(ParamGroup::from_paths(vec!["head.weight", "head.bias"]))
        .attach(model, masks)
}
