//! The other metrics of tasks that have more than one.

use std::collections::BTreeSet;

use super::super::group::Group;
use super::super::sample::Sample;
use super::super::text::{self, name};
use super::start;
use crate::finetune::Run;
use crate::task_name::TaskName;

/// The table of a task; none where its metric is the only one.
pub fn table(groups: &[Group<'_>], task: TaskName) -> Option<String> {
    let groups: Vec<&Group<'_>> = groups.iter().filter(|g| g.setup.task == task).collect();
    let runs = groups.iter().flat_map(|group| group.pruned());
    let metrics: BTreeSet<&str> = runs
        .flat_map(|run| run.epochs.last().into_iter().flatten())
        .map(|(metric, _)| metric.as_str())
        .collect();
    if metrics.len() < 2 {
        return None;
    }
    let mut rows = Vec::new();
    for group in &groups {
        let when = group.setup.when.map_or("not pruned".to_string(), name);
        let of_dense = cells(&group.dense, &metrics);
        rows.push(
            [
                vec!["dense model".to_string(), when.clone(), "0".to_string()],
                of_dense,
            ]
            .concat(),
        );
        for scorer in group.scorers() {
            for sparsity in group.sparsities() {
                let of_point = cells(group.runs(scorer, sparsity), &metrics);
                let row = vec![scorer.to_string(), when.clone(), sparsity.to_string()];
                rows.push([row, of_point].concat());
            }
        }
    }
    let header = ["scorer", "pruned", "sparsity"].into_iter();
    let header: Vec<String> = header.chain(metrics).map(str::to_string).collect();
    Some(format!(
        "{}\n\n{}",
        start(task, "all metrics × 100"),
        text::table(&header, &rows)
    ))
}

fn cells(runs: &[&Run], metrics: &BTreeSet<&str>) -> Vec<String> {
    let metrics = metrics.iter();
    let cell = |metric: &&str| {
        let last = runs
            .iter()
            .filter_map(|run| run.epochs.last()?.get(*metric));
        Sample::cell(Sample::of(&last.copied().collect::<Vec<_>>()))
    };
    metrics.map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored};
    use crate::scorer_name::ScorerName;

    #[test]
    fn every_metric_has_a_column() {
        let mut runs = vec![run(), scored(run(), ScorerName::Seven, 0.0)];
        for (run, f1) in runs.iter_mut().zip([0.25, 0.75]) {
            run.epochs.last_mut().unwrap().insert("f1".to_string(), f1);
        }
        let entries = entries(runs);
        let text = table(&groups(&entries).unwrap(), TaskName::Sst2).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "| scorer | pruned | sparsity | accuracy | f1 |");
        assert_eq!(
            lines[4..],
            [
                "| dense model | before | 0 | 90.00 (1) | 75.00 (1) |",
                "| seven | before | 0.5 | 90.00 (1) | 25.00 (1) |",
            ]
        );
    }

    #[test]
    fn one_metric_alone_has_no_table() {
        let entries = entries(vec![run()]);
        assert_eq!(table(&groups(&entries).unwrap(), TaskName::Sst2), None);
    }
}
