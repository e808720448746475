//! All settings but scorer, sparsity and seed: what is equal in runs that are compared.

use super::ordered::Ordered;
use super::text::{name, plain};
use crate::finetune::{Run, Strategy, When};
use crate::task_name::TaskName;

/// All that is equal in runs that are compared. Settings that a run has no use for are left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setup {
    /// The task.
    pub task: TaskName,
    /// When weights are removed; none for the dense model.
    pub when: Option<When>,
    /// How the model is fine-tuned.
    pub strategy: Strategy,
    /// The metric to compare by.
    pub metric: String,
    /// The settings that are shown as they are: name and value.
    numbers: Vec<(&'static str, Ordered)>,
    /// Examples to train on, and the cap that was set on them.
    train: (usize, usize),
    /// Examples to test on, and the cap that was set on them.
    test: (usize, usize),
}

impl Setup {
    /// The setup of a run.
    pub fn of(run: &Run) -> Self {
        let settings = &run.settings;
        let when = (settings.sparsity != 0.0).then_some(settings.when);
        let count = |value: usize| Ordered::new(value as f64);
        let mut numbers = vec![
            ("learning rate", Ordered::new(settings.learning_rate)),
            ("epochs", count(settings.epochs)),
            ("steps", count(run.steps)),
            ("batch", count(settings.batch)),
        ];
        match when {
            Some(When::Before) => numbers.push(("rounds", count(settings.rounds))),
            Some(When::During) => numbers.extend([
                ("window from", Ordered::new(settings.window_start)),
                ("window to", Ordered::new(settings.window_end)),
            ]),
            None => {}
        }
        numbers.push(match settings.task {
            TaskName::Fashion | TaskName::Digits => {
                ("pretraining epochs", count(settings.pretrain_epochs))
            }
            _ => ("tokens at most", count(settings.max_length)),
        });
        Self {
            task: settings.task,
            when,
            strategy: settings.strategy,
            metric: run.metric.clone(),
            numbers,
            train: (run.train_size, settings.train_cap),
            test: (run.test_size, settings.test_cap),
        }
    }

    /// The setup of the dense model that is trained alike.
    pub fn dense(&self) -> Self {
        let mut dense = self.clone();
        dense.when = None;
        dense
            .numbers
            .retain(|(name, _)| !matches!(*name, "rounds" | "window from" | "window to"));
        dense
    }

    /// The pruning window as shares of the steps, when pruning during.
    pub fn window(&self) -> Option<(f64, f64)> {
        let number = |wanted| {
            let found = self.numbers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| value.get())
        };
        Some((number("window from")?, number("window to")?))
    }

    /// Everything in words but task and when, for the line above a table.
    pub fn parts(&self) -> Vec<String> {
        let number = |(name, value): &(&'static str, Ordered)| match *name {
            "learning rate" => Some(format!("{name} {:e}", value.get())),
            "window from" => None,
            "window to" => {
                let (from, to) = self.window()?;
                Some(format!("window from {from} to {to} of the steps"))
            }
            _ => Some(format!("{name} {value}")),
        };
        let capped = |(size, cap): (usize, usize), use_of: &str| {
            let capped = if cap > 0 { " (capped)" } else { "" };
            format!("{size} {use_of} examples{capped}")
        };
        let mut parts = vec![
            format!("metric {} × 100", plain(&self.metric)),
            format!("strategy {}", name(self.strategy)),
        ];
        parts.extend(self.numbers.iter().filter_map(number));
        parts.push(capped(self.train, "training"));
        parts.push(capped(self.test, "test"));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::run;
    use crate::scorer_name::ScorerName;

    #[test]
    fn scorer_sparsity_and_seed_are_no_part_of_a_setup() {
        let mut other = run();
        other.settings.scorer = ScorerName::Random;
        other.settings.sparsity = 0.9;
        other.settings.seed = 7;
        assert_eq!(Setup::of(&other), Setup::of(&run()));
    }

    #[test]
    fn settings_without_use_are_no_part_of_a_setup() {
        let mut other = run();
        other.settings.window_end = 0.9;
        other.settings.pretrain_epochs = 1;
        assert_eq!(Setup::of(&other), Setup::of(&run()));
        other.settings.rounds = 10;
        assert_ne!(Setup::of(&other), Setup::of(&run()));
    }

    #[test]
    fn the_dense_model_is_that_of_both_times_to_prune() {
        let mut dense = run();
        dense.settings.sparsity = 0.0;
        for when in [When::Before, When::During] {
            let mut pruned = run();
            pruned.settings.when = when;
            dense.settings.when = when;
            assert_eq!(Setup::of(&pruned).dense(), Setup::of(&dense));
        }
    }

    #[test]
    fn the_parts_say_all_that_was_set() {
        let mut capped = run();
        capped.settings.train_cap = 1000;
        capped.settings.when = When::During;
        let parts = Setup::of(&capped).parts().join(", ");
        assert_eq!(
            parts,
            "metric accuracy × 100, strategy adamw, learning rate 1e-4, epochs 3, steps 96, batch \
             32, window from 0.1 to 0.6 of the steps, tokens at most 64, 1000 training examples \
             (capped), 200 test examples"
        );
        assert_eq!(Setup::of(&capped).window(), Some((0.1, 0.6)));
        assert_eq!(Setup::of(&run()).window(), None);
    }
}
