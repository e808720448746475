//! What share of each layer's weights was removed.

use super::super::group::Group;
use super::super::sample::Sample;
use super::chart::{Chart, Line, Point};
use super::{common_sparsity, heading, style};
use crate::finetune::Run;
use crate::scorer_name::ScorerName;

/// Sparsity of each layer, a line a scorer, at one sparsity; none without layers.
pub fn chart(group: &Group<'_>) -> Option<Chart> {
    let sparsity = common_sparsity(group)?;
    let line = |scorer: ScorerName| {
        let points = points(group.runs(scorer, sparsity));
        Line {
            name: scorer.to_string(),
            style: style::of(scorer),
            shift: 0,
            mark: if points.len() > 40 { 2 } else { 4 },
            points,
        }
    };
    let chart = Chart {
        title: heading(group, &format!("layers at sparsity {sparsity}")),
        subtitle: "share of zeros in each pruned weight, in the model's order; mean over seeds"
            .to_string(),
        x: "layer".to_string(),
        y: "sparsity of the layer in %".to_string(),
        ticks: Vec::new(),
        lines: group.scorers().into_iter().map(line).collect(),
        levels: Vec::new(),
        band: None,
    };
    chart.checked()
}

/// The mean over those runs whose layers are those of the first.
fn points(runs: &[&Run]) -> Vec<Point> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    let paths = |run: &Run| -> Vec<String> {
        let paths = run.layers.iter().map(|layer| layer.path.clone());
        paths.collect()
    };
    let wanted = paths(first);
    let alike: Vec<&&Run> = runs.iter().filter(|run| paths(run) == wanted).collect();
    let point = |index: usize| {
        let layers = alike.iter().filter_map(|run| run.layers.get(index));
        let shares: Vec<f64> = layers
            .map(|layer| 1.0 - layer.kept as f64 / layer.total as f64)
            .collect();
        Some(Point {
            x: (index + 1) as f64,
            y: 100.0 * Sample::of(&shares)?.mean,
            spread: 0.0,
        })
    };
    (0..wanted.len()).filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, seeded};

    // The first layer keeps 600 and 800 of 1000: 40 and 20 % are gone, 30 % in the mean.
    #[test]
    fn a_layers_sparsity_is_the_mean_over_seeds() {
        let mut other = seeded(run(), 1, 0.8);
        other.layers[0].kept = 800;
        let mut renamed = seeded(run(), 2, 0.8);
        renamed.layers[0].path = "other".to_string();
        let entries = entries(vec![run(), other, renamed]);
        let chart = chart(&groups(&entries).unwrap()[0]).unwrap();
        let points = &chart.lines[0].points;
        assert!((points[0].y - 30.0).abs() < 1e-9);
        assert!((points[1].y - 60.0).abs() < 1e-9);
        assert_eq!([points[0].x, points[1].x], [1.0, 2.0]);
    }

    #[test]
    fn empty_layers_and_no_layers_are_left_out() {
        let mut odd = run();
        odd.layers[0].total = 0;
        odd.layers[0].kept = 0;
        let mut none = run();
        none.layers.clear();
        let entries = [odd, none].map(|run| entries(vec![run]));
        let odd = chart(&groups(&entries[0]).unwrap()[0]).unwrap();
        assert_eq!(odd.lines[0].points.len(), 1);
        assert!(chart(&groups(&entries[1]).unwrap()[0]).is_none());
    }
}
