//! Scorers by sparsity.

use super::super::group::{Group, results};
use super::super::sample::Sample;
use super::super::select::of_first_strategy;
use super::super::text::{self, pruned};
use super::{caption, start};
use crate::finetune::When;
use crate::task_name::TaskName;

/// The table of a task, or several if their settings differ; none without runs.
pub fn table(groups: &[Group<'_>], task: TaskName, when: When) -> Option<String> {
    let found = of_first_strategy(groups, task, when);
    let texts: Vec<String> = found.into_iter().map(|group| one(group, when)).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn one(group: &Group<'_>, when: When) -> String {
    let mut parts = group.parts();
    parts.push(format!(
        "mean ± sample standard deviation over {}",
        caption::seeds(group)
    ));
    let sparsities = group.sparsities();
    let mut header = vec!["scorer".to_string()];
    header.extend(sparsities.iter().map(ToString::to_string));
    // The dense model is not pruned: its result stands in each column, to compare with.
    let mut dense = vec!["dense model".to_string()];
    dense.extend(
        sparsities
            .iter()
            .map(|_| Sample::cell(results(&group.dense))),
    );
    let mut rows = vec![dense];
    for scorer in group.scorers() {
        let mut row = vec![scorer.to_string()];
        row.extend(
            sparsities
                .iter()
                .map(|s| Sample::cell(group.point(scorer, *s))),
        );
        rows.push(row);
    }
    format!(
        "{} {}{}\n\n{}",
        start(group.setup.task, pruned(when)),
        caption::settings(&parts),
        caption::missed(group),
        text::table(&header, &rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};
    use crate::scorer_name::ScorerName;

    // Mean of 80 and 90 is 85, its deviation 10 / √2.
    #[test]
    fn rows_are_scorers_and_columns_are_sparsities() {
        let at =
            |scorer, sparsity, seed, result| seeded(scored(run(), scorer, sparsity), seed, result);
        let runs = vec![
            at(ScorerName::Random, 0.9, 0, 0.5),
            at(ScorerName::Seven, 0.5, 0, 0.8),
            at(ScorerName::Seven, 0.5, 1, 0.9),
            at(ScorerName::Seven, 0.0, 0, 0.95),
        ];
        let entries = entries(runs);
        let groups = groups(&entries).unwrap();
        let text = table(&groups, TaskName::Sst2, When::Before).unwrap();
        assert_eq!(
            text,
            "**SST-2, pruned before fine-tuning.** Metric accuracy × 100, majority class 50.00, \
             strategy adamw, learning rate 1e-4, epochs 3, steps 96, batch 32, rounds 100, \
             tokens at most 64, 1000 training examples, 200 test examples, \
             mean ± sample standard deviation over 1 to 2 seeds.\n\n\
             | scorer | 0.5 | 0.9 |\n\
             | --- | --: | --: |\n\
             | dense model | 95.00 (1) | 95.00 (1) |\n\
             | seven | 85.00 ± 7.07 (2) | — |\n\
             | random | — | 50.00 (1) |\n"
        );
        assert_eq!(table(&groups, TaskName::Sst2, When::During), None);
    }

    #[test]
    fn a_run_without_a_result_is_a_dash() {
        let mut empty = run();
        empty.epochs.clear();
        let entries = entries(vec![empty]);
        let groups = groups(&entries).unwrap();
        let text = table(&groups, TaskName::Sst2, When::Before).unwrap();
        assert!(text.ends_with("| dense model | — |\n| seven | — |\n"));
    }
}
