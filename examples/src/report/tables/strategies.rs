//! Scorers by how the model is fine-tuned.

use std::collections::BTreeSet;

use super::super::group::{Group, results};
use super::super::ordered::Ordered;
use super::super::sample::Sample;
use super::super::select::{in_common, of_task};
use super::super::text::{self, name, pruned};
use super::{caption, start};
use crate::finetune::When;
use crate::scorer_name::ScorerName;
use crate::task_name::TaskName;

/// The tables of a task, one for each time to prune and sparsity; none where all runs are of one
/// strategy.
pub fn table(groups: &[Group<'_>], task: TaskName) -> Option<String> {
    let mut texts = Vec::new();
    for when in [When::Before, When::During] {
        let mut groups = of_task(groups, task, when);
        groups.sort_by_key(|group| group.setup.strategy);
        let first = groups.first().map(|group| group.setup.strategy);
        let others = groups.iter().filter(|g| Some(g.setup.strategy) != first);
        let others: Vec<&Group<'_>> = others.copied().collect();
        let sparsities: BTreeSet<Ordered> = others.iter().flat_map(|g| g.sparsities()).collect();
        for sparsity in sparsities {
            let scorers = others.iter().flat_map(|group| group.scorers());
            let has = |scorer: &ScorerName| others.iter().any(|g| has(g, *scorer, sparsity));
            let scorers: Vec<ScorerName> = scorers
                .filter(has)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            let about = format!("{} to a sparsity of {sparsity}", pruned(when));
            texts.push(format!(
                "{} {}",
                start(task, &about),
                one(&groups, &scorers, sparsity)
            ));
        }
    }
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn has(group: &Group<'_>, scorer: ScorerName, sparsity: Ordered) -> bool {
    !group.runs(scorer, sparsity).is_empty()
}

/// A row for each group that has one of the scorers at the sparsity.
fn one(groups: &[&Group<'_>], scorers: &[ScorerName], sparsity: Ordered) -> String {
    let any = |group: &&&Group<'_>| scorers.iter().any(|s| has(group, *s, sparsity));
    let groups: Vec<&Group<'_>> = groups.iter().filter(any).copied().collect();
    let (common, rest) = in_common(&groups);
    let mut header = vec!["strategy".to_string(), "dense model".to_string()];
    header.extend(scorers.iter().map(ToString::to_string));
    let row = |(group, rest): (&&Group<'_>, &Vec<String>)| {
        let strategy = name(group.setup.strategy);
        let known = format!("strategy {strategy}");
        let rest = rest.iter().filter(|part| **part != known).cloned();
        let label: Vec<String> = std::iter::once(strategy).chain(rest).collect();
        let mut row = vec![label.join(", "), Sample::cell(results(&group.dense))];
        row.extend(
            scorers
                .iter()
                .map(|s| Sample::cell(group.point(*s, sparsity))),
        );
        row
    };
    let rows: Vec<Vec<String>> = groups.iter().zip(&rest).map(row).collect();
    format!(
        "{}\n\n{}",
        caption::settings(&common),
        text::table(&header, &rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::{Run, Strategy};
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};

    fn by(strategy: Strategy, rate: f64, scorer: ScorerName, sparsity: f64, result: f64) -> Run {
        let mut run = seeded(scored(run(), scorer, sparsity), 0, result);
        run.settings.strategy = strategy;
        run.settings.learning_rate = rate;
        run
    }

    #[test]
    fn rows_are_strategies_and_columns_are_scorers() {
        let entries = entries(vec![
            by(Strategy::Sgd, 1e-2, ScorerName::Seven, 0.8, 0.7),
            by(Strategy::Sgd, 1e-2, ScorerName::Snip, 0.8, 0.6),
            by(Strategy::Sgd, 1e-2, ScorerName::Seven, 0.0, 0.9),
            by(Strategy::Adamw, 1e-4, ScorerName::Seven, 0.8, 0.8),
            by(Strategy::Adamw, 1e-4, ScorerName::Random, 0.8, 0.5),
            by(Strategy::Adamw, 1e-4, ScorerName::Seven, 0.5, 0.85),
        ]);
        let text = table(&groups(&entries).unwrap(), TaskName::Sst2).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("**SST-2, pruned before fine-tuning to a sparsity of 0.8.**"));
        assert_eq!(
            lines[2..],
            [
                "| strategy | dense model | seven | snip |",
                "| --- | --: | --: | --: |",
                "| adamw, learning rate 1e-4 | — | 80.00 (1) | — |",
                "| sgd, learning rate 1e-2 | 90.00 (1) | 70.00 (1) | 60.00 (1) |",
            ]
        );
    }

    #[test]
    fn one_strategy_is_no_table() {
        let entries = entries(vec![run()]);
        assert_eq!(table(&groups(&entries).unwrap(), TaskName::Sst2), None);
    }
}
