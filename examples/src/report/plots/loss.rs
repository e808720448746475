//! The training loss over the steps, when pruning during fine-tuning.

use std::collections::BTreeMap;

use super::super::group::Group;
use super::super::sample::Sample;
use super::chart::{Chart, Line, Point};
use super::style::{self, LEVEL};
use super::{common_sparsity, heading};
use crate::finetune::Run;
use crate::scorer_name::ScorerName;

/// Mean training loss, a line a scorer, at one sparsity; none without losses.
pub fn chart(group: &Group<'_>) -> Option<Chart> {
    let sparsity = common_sparsity(group)?;
    let line = |scorer: ScorerName| Line {
        name: scorer.to_string(),
        style: style::of(scorer),
        points: points(group.runs(scorer, sparsity)),
        shift: 0,
        mark: 2,
    };
    let mut lines: Vec<Line> = group.scorers().into_iter().map(line).collect();
    lines.push(Line {
        name: "dense model".to_string(),
        style: LEVEL,
        points: points(&group.dense),
        shift: 0,
        mark: 0,
    });
    let chart = Chart {
        title: heading(group, &format!("training loss at sparsity {sparsity}")),
        subtitle: "mean over seeds".to_string(),
        x: "step".to_string(),
        y: "training loss".to_string(),
        ticks: Vec::new(),
        lines,
        levels: Vec::new(),
        band: band(group),
    };
    chart.checked()
}

/// The steps at which weights are removed.
fn band(group: &Group<'_>) -> Option<(f64, f64, String)> {
    let (start, end) = group.setup.window()?;
    let steps = group.pruned().map(|run| run.steps).max()? as f64;
    let inside = 0.0 <= start && start < end && end <= 1.0;
    inside.then(|| (start * steps, end * steps, "pruning window".to_string()))
}

/// The mean at each step, over the runs that have it.
fn points(runs: &[&Run]) -> Vec<Point> {
    let mut steps: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (step, loss) in runs.iter().flat_map(|run| &run.losses) {
        steps.entry(*step).or_default().push(*loss);
    }
    let point = |(step, losses): (usize, Vec<f64>)| {
        Some(Point {
            x: step as f64,
            y: Sample::of(&losses)?.mean,
            spread: 0.0,
        })
    };
    steps.into_iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::When;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};

    fn during() -> Run {
        let mut run = run();
        run.settings.when = When::During;
        run
    }

    // At step 10: 0.3 and 0.5, in the mean 0.4. The window is 10 to 60 % of 96 steps.
    #[test]
    fn losses_are_means_over_seeds() {
        let mut other = seeded(during(), 1, 0.8);
        other.losses = vec![(10, 0.5), (20, 0.1)];
        let dense = scored(during(), ScorerName::Snip, 0.0);
        let entries = entries(vec![during(), other, dense]);
        let chart = chart(&groups(&entries).unwrap()[0]).unwrap();
        let values: Vec<(f64, f64)> = chart.lines[0].points.iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(values, [(0.0, 0.7), (10.0, 0.4), (20.0, 0.1)]);
        assert_eq!(chart.lines[1].name, "dense model");
        let (from, to, _) = chart.band.unwrap();
        assert!((from - 9.6).abs() < 1e-9 && (to - 57.6).abs() < 1e-9);
    }

    #[test]
    fn no_losses_are_no_chart_and_a_window_of_nothing_no_band() {
        let mut none = during();
        none.losses.clear();
        let mut odd = during();
        odd.settings.window_end = 0.0;
        let entries = [none, odd].map(|run| entries(vec![run]));
        assert!(chart(&groups(&entries[0]).unwrap()[0]).is_none());
        let odd = chart(&groups(&entries[1]).unwrap()[0]).unwrap();
        assert!(odd.band.is_none());
    }
}
