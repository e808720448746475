//! Seconds a run.

use std::collections::BTreeSet;

use super::super::group::Group;
use super::super::sample::Sample;
use super::super::select::in_common;
use super::super::text::{self, name, plain};
use super::{caption, start};
use crate::finetune::Run;
use crate::scorer_name::ScorerName;
use crate::task_name::TaskName;

/// The table of a task; none without runs.
pub fn table(groups: &[Group<'_>], task: TaskName) -> Option<String> {
    let groups: Vec<&Group<'_>> = groups.iter().filter(|g| g.setup.task == task).collect();
    if groups.is_empty() {
        return None;
    }
    let (mut parts, rest) = in_common(&groups);
    // What is measured has no part in how long it takes.
    parts.retain(|part| !part.starts_with("metric ") && !part.starts_with("majority "));
    let all = |of: fn(&Run) -> &str| {
        let runs = groups
            .iter()
            .flat_map(|g| g.pruned().chain(g.dense.iter().copied()));
        let words: BTreeSet<String> = runs.map(|run| plain(of(run))).collect();
        words.into_iter().collect::<Vec<_>>().join(", ")
    };
    parts.push(format!("backend {}", all(|run| &run.backend)));
    parts.push(format!("revision {}", all(|run| &run.revision)));
    let column = |(group, rest): (&&Group<'_>, &Vec<String>)| {
        let when = group.setup.when.map_or("not pruned".to_string(), name);
        let words: Vec<String> = std::iter::once(when).chain(rest.iter().cloned()).collect();
        words.join(", ")
    };
    let mut header = vec!["scorer".to_string()];
    header.extend(groups.iter().zip(&rest).map(column));
    let mut dense = vec!["dense model".to_string()];
    dense.extend(
        groups
            .iter()
            .map(|group| seconds(group.dense.iter().copied())),
    );
    let mut rows = vec![dense];
    let scorers: BTreeSet<ScorerName> = groups.iter().flat_map(|g| g.scorers()).collect();
    for scorer in scorers {
        let of_scorer = |group: &&Group<'_>| {
            seconds(group.pruned().filter(|run| run.settings.scorer == scorer))
        };
        let mut row = vec![scorer.to_string()];
        row.extend(groups.iter().map(of_scorer));
        rows.push(row);
    }
    Some(format!(
        "{} {}\n\n{}",
        start(task, "mean of the seconds a run takes (number of runs)"),
        caption::settings(&parts),
        text::table(&header, &rows)
    ))
}

fn seconds<'a>(runs: impl Iterator<Item = &'a Run>) -> String {
    let values: Vec<f64> = runs.map(|run| run.seconds).collect();
    let shown = |sample: Sample| format!("{:.1} ({})", sample.mean, sample.count);
    Sample::of(&values).map_or("—".to_string(), shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::When;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};

    #[test]
    fn seconds_are_those_of_all_runs_of_a_scorer() {
        let mut slow = seeded(run(), 1, 0.9);
        slow.seconds = 13.0;
        slow.revision = "def|5678".to_string();
        let mut during = scored(run(), ScorerName::Platon, 0.5);
        during.settings.when = When::During;
        let dense = scored(run(), ScorerName::Seven, 0.0);
        let entries = entries(vec![run(), slow, during, dense]);
        let text = table(&groups(&entries).unwrap(), TaskName::Sst2).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains("runs).** Strategy adamw, "));
        assert!(lines[0].ends_with("backend NdArray, revision abc1234, def 5678."));
        assert_eq!(
            lines[2..],
            [
                "| scorer | before, rounds 100 | during, window from 0.1 to 0.6 of the steps |",
                "| --- | --: | --: |",
                "| dense model | 12.0 (1) | 12.0 (1) |",
                "| seven | 12.5 (2) | — |",
                "| platon | — | 12.0 (1) |",
            ]
        );
    }

    #[test]
    fn dense_models_alone_have_their_time() {
        let entries = entries(vec![scored(run(), ScorerName::Seven, 0.0)]);
        let text = table(&groups(&entries).unwrap(), TaskName::Sst2).unwrap();
        assert!(
            text.ends_with("| scorer | not pruned |\n| --- | --: |\n| dense model | 12.0 (1) |\n")
        );
    }
}
