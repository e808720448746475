//! The metric against sparsity.

use super::super::group::{Group, results};
use super::super::ordered::Ordered;
use super::super::text::plain;
use super::chart::{Chart, Level, Line, Point};
use super::{heading, style};
use crate::scorer_name::ScorerName;

/// Pixels from one scorer's points to the next one's, where there is room.
const SHIFT: f64 = 5.0;

/// Pixels from the lowest sparsity to the highest, at least.
const WIDTH: f64 = 450.0;

/// The least distance of ticks whose labels do not touch, as a share of the width.
const TICK: f64 = 0.08;

/// The metric against sparsity, a line a scorer; none without results.
pub fn chart(group: &Group<'_>) -> Option<Chart> {
    let metric = plain(&group.setup.metric);
    let scorers = group.scorers();
    let sparsities: Vec<f64> = group.sparsities().into_iter().map(Ordered::get).collect();
    let shift = shift(&sparsities, scorers.len());
    let line = |(index, scorer): (usize, &ScorerName)| Line {
        name: scorer.to_string(),
        style: style::of(*scorer),
        points: points(group, *scorer),
        shift: (shift * (index as f64 - (scorers.len() as f64 - 1.0) / 2.0)).round() as i32,
        mark: 4,
    };
    let level = |name: &str, value: Option<f64>, dash| {
        value.map(|value| Level {
            name: name.to_string(),
            value: 100.0 * value,
            dash,
        })
    };
    let dense = results(&group.dense).map(|sample| sample.mean);
    let chart = Chart {
        title: heading(group, &metric),
        subtitle: "mean ± standard deviation over seeds; points of a sparsity are side by side"
            .to_string(),
        x: "sparsity".to_string(),
        y: format!("{metric} × 100"),
        ticks: ticks(&sparsities),
        lines: scorers.iter().enumerate().map(line).collect(),
        levels: [
            level("dense model", dense, (9, 5)),
            level("majority class", group.majority(), (2, 4)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        band: None,
    };
    chart.checked()
}

/// Pixels from one scorer's points to the next one's, so that those of one sparsity end before
/// those of the next begin.
fn shift(sparsities: &[f64], scorers: usize) -> f64 {
    let gaps = sparsities.windows(2).map(|pair| pair[1] - pair[0]);
    let share = gaps.fold(f64::INFINITY, f64::min) / size(sparsities);
    // Without a gap the share is not finite, and there is room.
    SHIFT.min(0.8 * WIDTH * share / scorers.max(1) as f64)
}

/// The sparsities that have room for a label.
fn ticks(sparsities: &[f64]) -> Vec<f64> {
    let mut ticks: Vec<f64> = Vec::new();
    for sparsity in sparsities {
        let far = |last: &f64| sparsity - last >= TICK * size(sparsities);
        if ticks.last().is_none_or(far) {
            ticks.push(*sparsity);
        }
    }
    ticks
}

fn size(sparsities: &[f64]) -> f64 {
    match sparsities {
        [first, .., last] => last - first,
        _ => 1.0,
    }
}

fn points(group: &Group<'_>, scorer: ScorerName) -> Vec<Point> {
    let point = |sparsity: Ordered| {
        let sample = group.point(scorer, sparsity)?;
        Some(Point {
            x: sparsity.get(),
            y: 100.0 * sample.mean,
            spread: 100.0 * sample.deviation.unwrap_or(0.0),
        })
    };
    group.sparsities().into_iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};

    // Mean of 80 and 90 is 85, its deviation 10 / √2.
    #[test]
    fn a_point_is_a_mean_with_its_deviation() {
        let runs = vec![
            seeded(run(), 0, 0.8),
            seeded(run(), 1, 0.9),
            scored(run(), ScorerName::Snip, 0.7),
            scored(run(), ScorerName::Seven, 0.0),
        ];
        let entries = entries(runs);
        let chart = chart(&groups(&entries).unwrap()[0]).unwrap();
        assert_eq!(chart.ticks, [0.5, 0.7]);
        let seven = &chart.lines[0];
        assert_eq!((seven.name.as_str(), seven.points.len()), ("seven", 1));
        assert!((seven.points[0].y - 85.0).abs() < 1e-9);
        assert!((seven.points[0].spread - 50f64.sqrt()).abs() < 1e-9);
        let levels: Vec<f64> = chart.levels.iter().map(|level| level.value).collect();
        assert_eq!(levels, [90.0, 50.0]);
    }

    // Of 450 pixels a tenth is 45, of which four fifths are for ten scorers: 3.6 each.
    #[test]
    fn points_of_a_sparsity_end_before_those_of_the_next() {
        assert_eq!(shift(&[0.5, 0.7, 0.9], 9), 5.0);
        assert!((shift(&[0.0, 0.9, 1.0], 10) - 3.6).abs() < 1e-9);
        assert_eq!(shift(&[0.5], 9), 5.0);
        assert_eq!(shift(&[], 0), 5.0);
    }

    #[test]
    fn ticks_whose_labels_would_touch_are_left_out() {
        assert_eq!(ticks(&[0.5, 0.9, 0.95, 0.96, 0.99]), [0.5, 0.9, 0.95, 0.99]);
        assert_eq!(ticks(&[0.8]), [0.8]);
    }

    #[test]
    fn runs_without_results_are_no_chart() {
        let mut empty = run();
        empty.epochs.clear();
        let entries = entries(vec![empty]);
        assert!(chart(&groups(&entries).unwrap()[0]).is_none());
    }
}
