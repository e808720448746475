//! The test of the idea: SEVEN against scorers that differ from it in one thing, seed by seed.

use std::collections::BTreeMap;

use super::super::group::Group;
use super::super::paired::Paired;
use super::super::select::{in_common, of_task};
use super::super::text::{self, points, pruned, signed};
use super::{caption, start};
use crate::finetune::{Run, When};
use crate::scorer_name::ScorerName;
use crate::task_name::TaskName;

/// What SEVEN is compared with: itself without its discount, and with the mean of signed gradients.
const RIVALS: [ScorerName; 2] = [ScorerName::Sensitivity, ScorerName::SevenSigned];

/// The columns.
const HEADER: [&str; 8] = [
    "seven against",
    "sparsity",
    "settings",
    "n",
    "difference",
    "t",
    "p",
    "wins / ties / losses",
];

/// The place of the column that is needed only where settings differ.
const SETTINGS: usize = 2;

/// What is said below the tables.
pub const NOTE: &str = "\
    Differences are those of `seven` minus the other scorer with the same seed and otherwise \
    equal settings, in hundredths; p is two-sided, of the paired t-test. \"All\" takes \
    the mean over the rows above for each seed first, so that n is the number of seeds. No p is \
    corrected for the number of tests.\n";

/// The tables of a task, for both times to prune; none where no pair has the same seed.
pub fn table(groups: &[Group<'_>], task: TaskName) -> Option<String> {
    let times = [When::Before, When::During];
    let texts: Vec<String> = times
        .into_iter()
        .filter_map(|when| one(&of_task(groups, task, when), task, when))
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn one(groups: &[&Group<'_>], task: TaskName, when: When) -> Option<String> {
    let (common, rest) = in_common(groups);
    let mut rows = Vec::new();
    for rival in RIVALS {
        let mut by_seed: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (group, rest) in groups.iter().zip(&rest) {
            for sparsity in group.sparsities() {
                let seven = group.runs(ScorerName::Seven, sparsity);
                let found = differences(seven, group.runs(rival, sparsity));
                let values: Vec<f64> = found.iter().map(|(_, value)| *value).collect();
                if let Some(paired) = Paired::of(&values) {
                    rows.push(row(rival, &sparsity.to_string(), &rest.join(", "), paired));
                }
                for (seed, value) in found {
                    by_seed.entry(seed).or_default().push(value);
                }
            }
        }
        let means = by_seed.values();
        let means: Vec<f64> = means
            .map(|values| values.iter().sum::<f64>() / values.len() as f64)
            .collect();
        if let Some(paired) = Paired::of(&means) {
            rows.push(row(rival, "all", "", paired));
        }
    }
    if rows.is_empty() {
        return None;
    }
    let mut header = HEADER.map(str::to_string).to_vec();
    // Where all settings are in common, they are in the line above only.
    if rest.iter().all(Vec::is_empty) {
        for row in rows.iter_mut().chain([&mut header]) {
            row.remove(SETTINGS);
        }
    }
    Some(format!(
        "{} {}\n\n{}",
        start(task, pruned(when)),
        caption::settings(&common),
        text::table(&header, &rows)
    ))
}

/// Seeds that both have, and the differences of the results.
fn differences(ours: &[&Run], theirs: &[&Run]) -> Vec<(u64, f64)> {
    let by_seed = |run: &&Run| Some((run.settings.seed, run.result()?));
    let theirs: BTreeMap<u64, f64> = theirs.iter().filter_map(by_seed).collect();
    let ours = ours.iter().filter_map(by_seed);
    ours.filter_map(|(seed, result)| Some((seed, result - theirs.get(&seed)?)))
        .collect()
}

fn row(rival: ScorerName, sparsity: &str, settings: &str, paired: Paired) -> Vec<String> {
    let differences = paired.differences;
    let mean = signed(differences.mean);
    let dash = || "—".to_string();
    vec![
        rival.to_string(),
        sparsity.to_string(),
        if settings.is_empty() {
            dash()
        } else {
            settings.to_string()
        },
        differences.count.to_string(),
        format!(
            "{mean} ± {}",
            differences.deviation.map_or_else(dash, points)
        ),
        paired.t.map_or_else(dash, |t| format!("{t:.2}")),
        paired.p.map_or_else(dash, probability),
        format!("{} / {} / {}", paired.wins, paired.ties, paired.losses),
    ]
}

fn probability(p: f64) -> String {
    if p < 0.0005 {
        "< 0.001".to_string()
    } else {
        format!("{p:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};

    fn lines(runs: Vec<Run>) -> Vec<String> {
        let entries = entries(runs);
        let text = table(&groups(&entries).unwrap(), TaskName::Sst2);
        text.unwrap_or_default().lines().map(String::from).collect()
    }

    fn at(scorer: ScorerName, sparsity: f64, results: &[f64]) -> Vec<Run> {
        let one = |(seed, result): (usize, &f64)| {
            seeded(scored(run(), scorer, sparsity), seed as u64, *result)
        };
        results.iter().enumerate().map(one).collect()
    }

    // Differences 1, 2, 3 hundredths: t = 2 √3 and p = 1 - √(12/14). With 2 at the other sparsity
    // the first seed's mean is 1.5: of 1.5, 2, 3 the mean is 13/6, squares 4/9 + 1/36 + 25/36 over
    // 2 are 7/12, t = 13/6 √3 / √(7/12) = 4.91, and p = 1 - t/√(t² + 2) = 0.039.
    #[test]
    fn seven_is_compared_with_its_ablation_seed_by_seed() {
        let mut runs = at(ScorerName::Seven, 0.5, &[0.81, 0.82, 0.83]);
        runs.extend(at(ScorerName::Sensitivity, 0.5, &[0.80, 0.80, 0.80, 0.5]));
        runs.extend(at(ScorerName::Seven, 0.9, &[0.72]));
        runs.extend(at(ScorerName::Sensitivity, 0.9, &[0.70]));
        let lines = lines(runs);
        assert_eq!(
            lines[4..7],
            [
                "| sensitivity | 0.5 | 3 | +2.00 ± 1.00 | 3.46 | 0.074 | 3 / 0 / 0 |",
                "| sensitivity | 0.9 | 1 | +2.00 ± — | — | — | 1 / 0 / 0 |",
                "| sensitivity | all | 3 | +2.17 ± 0.76 | 4.91 | 0.039 | 3 / 0 / 0 |",
            ]
        );
    }

    #[test]
    fn equal_differences_have_no_test() {
        let mut runs = at(ScorerName::Seven, 0.5, &[0.8, 0.7]);
        runs.extend(at(ScorerName::SevenSigned, 0.5, &[0.8, 0.7]));
        assert_eq!(
            lines(runs)[4],
            "| seven-signed | 0.5 | 2 | 0.00 ± 0.00 | — | — | 0 / 2 / 0 |"
        );
    }

    #[test]
    fn no_pairs_are_no_table() {
        let mut runs = at(ScorerName::Seven, 0.5, &[0.8]);
        runs.push(seeded(scored(run(), ScorerName::Sensitivity, 0.5), 9, 0.8));
        assert_eq!(lines(runs), Vec::<String>::new());
    }

    #[test]
    fn setups_are_told_apart() {
        let mut runs = Vec::new();
        for epochs in [3, 9] {
            for scorer in [ScorerName::Seven, ScorerName::Sensitivity] {
                let mut run = scored(run(), scorer, 0.5);
                run.settings.epochs = epochs;
                runs.push(run);
            }
        }
        let lines = lines(runs);
        assert!(!lines[0].contains("epochs"));
        assert!(lines[4].contains("| 0.5 | epochs 3 | 1 |"), "{}", lines[4]);
        assert!(lines[5].contains("| 0.5 | epochs 9 | 1 |"));
    }
}
