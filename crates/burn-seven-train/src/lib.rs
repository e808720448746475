//! burn-seven in Burn's own trainer.
//!
//! Users reach this as `burn_seven::train`. [`Wrap::wrap`] puts a model and its pruner together in a
//! [`Pruned`] model, which `Learner` trains like any other: it scores, chooses masks and steps the
//! optimizer where Burn would only step the optimizer, and its checkpoints hold the pruner's state.
//!
//! | name | what |
//! | --- | --- |
//! | [`Pruned`], [`Wrap`] | the model for `Learner` |
//! | [`WatchPruning`], [`PruningMetric`] | metrics, and training that stops at an error |
//! | [`AfterPruning`], [`BestPruned`] | early stopping and the best checkpoint, once pruning is over |
//! | [`MaskedLoraConfig`] | LoRA on a pruned model that keeps its zeros |
//! | [`Distillation`] | a loss that compares with the dense model |

mod after_pruning;
mod best_pruned;
mod distillation;
mod gather;
mod lora;
mod metric;
mod module;
mod monitor;
mod pruned;
mod record;
mod state;
mod step;
mod stored;
mod watch;
mod wrap;

pub use after_pruning::AfterPruning;
pub use best_pruned::BestPruned;
pub use distillation::Distillation;
pub use lora::{MaskedLora, MaskedLoraConfig};
pub use metric::PruningMetric;
pub use pruned::Pruned;
pub use watch::WatchPruning;
pub use wrap::Wrap;
