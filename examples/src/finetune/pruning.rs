//! The pruner that a run's settings describe.

use std::ops::Range;

use burn::module::{Module, ParamGroup};
use burn_seven::{CubicSchedule, Pruner, PrunerConfig, Selection, Sparsity};

use super::{Error, Settings, Strategy, When};
#[cfg(doc)]
use crate::scorer_name::ScorerName;

impl Settings {
    /// Checks what single settings cannot show.
    ///
    /// # Errors
    ///
    /// A value out of its range, or a combination that makes no sense.
    pub fn validate(&self) -> Result<(), Error> {
        let refuse = |text: String| Err(Error::Settings(text));
        if let Err(error) = Sparsity::new(self.sparsity) {
            return refuse(error.to_string());
        }
        let (scorer, when) = (self.scorer, self.when);
        if self.sparsity > 0.0 && when == When::Before && !scorer.before_training() {
            return refuse(format!(
                "scorer {scorer} learns from training steps and cannot prune before training"
            ));
        }
        if self.sparsity > 0.0 && when == When::During && !scorer.while_training() {
            return refuse(format!("scorer {scorer} prunes before training only"));
        }
        if self.strategy == Strategy::Lora && (when == When::During || self.sparsity == 0.0) {
            return refuse("strategy lora needs a model that was pruned before".to_string());
        }
        for (name, value) in [
            ("epochs", self.epochs),
            ("batch", self.batch),
            ("rounds", self.rounds),
        ] {
            if value == 0 {
                return refuse(format!("{name} is 0, but should be at least 1"));
            }
        }
        if self.max_length < 8 {
            return refuse(format!(
                "max_length is {}, but should be at least 8",
                self.max_length
            ));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return refuse(format!(
                "learning_rate is {}, but should be above 0",
                self.learning_rate
            ));
        }
        let (start, end) = (self.window_start, self.window_end);
        if !(0.0 <= start && start < end && end <= 1.0) {
            return refuse(format!(
                "the window is {start} to {end}, but should rise within [0, 1]"
            ));
        }
        Ok(())
    }

    /// The steps of the pruning window among `steps` of fine-tuning; never empty.
    pub fn window(&self, steps: usize) -> Range<usize> {
        window(steps, self.window_start..self.window_end)
    }

    /// The pruner of these settings; none for sparsity 0. While training a cubic ramp over the
    /// window, before it [`ScorerName::rounds`].
    ///
    /// # Errors
    ///
    /// What the library refuses.
    pub fn pruner<M: Module>(&self, model: &M, steps: usize) -> Result<Option<Pruner>, Error> {
        if self.sparsity == 0.0 {
            return Ok(None);
        }
        let target = Sparsity::new(self.sparsity)?;
        let config = match self.when {
            When::During => PrunerConfig::new(CubicSchedule::new(self.window(steps), target)),
            When::Before => self.scorer.rounds(self.rounds, target),
        };
        let selection = Selection::new().without(ParamGroup::from_paths(vec!["head.weight"]));
        let config = config.with_selection(selection);
        Ok(Some(self.scorer.init(config, self.seed, model)?))
    }
}

/// The steps of a window of these shares of `steps`; never empty.
pub fn window(steps: usize, shares: Range<f64>) -> Range<usize> {
    let at = |share: f64| (share * steps as f64).round() as usize;
    let start = at(shares.start).min(steps.saturating_sub(1));
    start..at(shares.end).max(start + 1)
}

#[cfg(test)]
mod tests {
    use crate::finetune::testing::settings;

    fn refused(args: &[&str], expected: &str) {
        let error = settings(args).validate().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn settings_that_make_no_sense_are_refused_with_their_reason() {
        refused(&["--sparsity", "1"], "sparsity is 1");
        refused(
            &["--scorer", "movement", "--when", "before"],
            "cannot prune before",
        );
        refused(&["--scorer", "grasp"], "before training only");
        refused(&["--strategy", "lora"], "pruned before");
        refused(
            &["--strategy=lora", "--when=before", "--sparsity=0"],
            "pruned before",
        );
        refused(&["--epochs", "0"], "epochs is 0");
        refused(&["--learning-rate", "0"], "learning_rate is 0");
        refused(&["--window-start", "0.7"], "0.7 to 0.6");
        refused(&["--max-length", "3"], "max_length is 3");
    }

    #[test]
    fn windows_are_never_empty() {
        let settings = settings(&[]);
        assert_eq!(settings.window(100), 10..60);
        assert_eq!(settings.window(1), 0..1);
        assert_eq!(settings.window(2), 0..1);
    }
}
