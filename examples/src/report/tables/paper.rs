//! The paper's points beside ours.

use super::super::group::Group;
use super::super::ordered::Ordered;
use super::super::sample::Sample;
use super::super::select::of_first_strategy;
use super::super::text::{self, plain, points, signed};
use super::{caption, start};
use crate::finetune::{Run, When};
use crate::scorer_name::ScorerName;
use crate::task_name::TaskName;

/// The sparsities of the paper's points.
const SPARSITIES: [f64; 5] = [0.5, 0.6, 0.7, 0.8, 0.9];

/// What is said below the tables.
pub const NOTE: &str = "\
    The paper's points are read off its plots and are one run each, of BERT-base fine-tuned on \
    all of the data for 10 epochs. Model and budget differ from ours: levels cannot be compared, \
    drops only with care. Drop: dense model minus pruned model.\n";

/// A task's metric, its dense value (where the paper shows it) and its points of SEVEN, pruned
/// before fine-tuning.
fn theirs(task: TaskName) -> Option<(&'static str, Option<f64>, [f64; 5])> {
    match task {
        TaskName::Mrpc => Some(("accuracy", Some(0.852), [0.862, 0.858, 0.852, 0.810, 0.779])),
        TaskName::Sst2 => Some(("accuracy", Some(0.921), [0.931, 0.929, 0.919, 0.900, 0.834])),
        TaskName::Squad => Some(("f1", None, [0.864, 0.859, 0.839, 0.807, 0.703])),
        _ => None,
    }
}

/// The tables of a task that the paper has too; none where no sparsity is in both.
pub fn table(groups: &[Group<'_>], task: TaskName) -> Option<String> {
    let paper = theirs(task)?;
    let found = of_first_strategy(groups, task, When::Before);
    let texts: Vec<String> = found
        .into_iter()
        .filter_map(|group| one(group, paper))
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn one(group: &Group<'_>, paper: (&str, Option<f64>, [f64; 5])) -> Option<String> {
    let (metric, dense, values) = paper;
    let our_dense = sample(&group.dense, metric);
    let drop = |dense: Option<f64>, value: Option<f64>| match (dense, value) {
        (Some(dense), Some(value)) => signed(dense - value),
        _ => "—".to_string(),
    };
    let mut rows = vec![vec![
        "dense model".to_string(),
        dense.map_or("—".to_string(), points),
        "—".to_string(),
        Sample::cell(our_dense),
        "—".to_string(),
    ]];
    for (sparsity, value) in SPARSITIES.into_iter().zip(values) {
        let runs = group.runs(ScorerName::Seven, Ordered::new(sparsity));
        let Some(ours) = sample(runs, metric) else {
            continue;
        };
        rows.push(vec![
            sparsity.to_string(),
            points(value),
            drop(dense, Some(value)),
            Sample::cell(Some(ours)),
            drop(our_dense.map(|dense| dense.mean), Some(ours.mean)),
        ]);
    }
    if rows.len() < 2 {
        return None;
    }
    let metric = plain(metric);
    let header = [
        "sparsity".to_string(),
        format!("paper, {metric}"),
        "drop".to_string(),
        format!("ours, {metric}"),
        "drop".to_string(),
    ];
    Some(format!(
        "{} {}\n\n{}",
        start(
            group.setup.task,
            "SEVEN before fine-tuning in the paper and here"
        ),
        caption::settings(&group.parts()),
        text::table(&header, &rows)
    ))
}

/// A metric after the last epoch, over all runs that have it, in capitals or not.
fn sample(runs: &[&Run], metric: &str) -> Option<Sample> {
    let value = |run: &&Run| {
        let mut last = run.epochs.last()?.iter();
        let found = last.find(|(name, _)| name.eq_ignore_ascii_case(metric))?;
        Some(*found.1)
    };
    let values: Vec<f64> = runs.iter().filter_map(value).collect();
    Sample::of(&values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};

    // The paper falls from 92.1 to 90.0, we from 90 to 84.
    #[test]
    fn drops_are_from_the_dense_model_of_each() {
        let at = |sparsity, result| seeded(scored(run(), ScorerName::Seven, sparsity), 0, result);
        let entries = entries(vec![at(0.0, 0.9), at(0.8, 0.84), at(0.85, 0.83)]);
        let text = table(&groups(&entries).unwrap(), TaskName::Sst2).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2..6],
            [
                "| sparsity | paper, accuracy | drop | ours, accuracy | drop |",
                "| --- | --: | --: | --: | --: |",
                "| dense model | 92.10 | — | 90.00 (1) | — |",
                "| 0.8 | 90.00 | +2.10 | 84.00 (1) | +6.00 |",
            ]
        );
    }

    #[test]
    fn the_metric_is_the_papers_even_if_runs_are_compared_by_another() {
        let mut mrpc = run();
        mrpc.settings.task = TaskName::Mrpc;
        mrpc.metric = "F1".to_string();
        mrpc.epochs[1].insert("F1".to_string(), 0.99);
        let entries = entries(vec![mrpc]);
        let text = table(&groups(&entries).unwrap(), TaskName::Mrpc).unwrap();
        assert!(
            text.contains("| 0.5 | 86.20 | -1.00 | 90.00 (1) | — |"),
            "{text}"
        );
    }

    #[test]
    fn tasks_and_sparsities_that_are_not_in_the_paper_are_no_table() {
        let entries = entries(vec![scored(run(), ScorerName::Seven, 0.55)]);
        let groups = groups(&entries).unwrap();
        assert_eq!(table(&groups, TaskName::Sst2), None);
        assert_eq!(table(&groups, TaskName::Rte), None);
    }
}
