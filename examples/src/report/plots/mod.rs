//! The plots, in SVG.

mod axis;
mod chart;
mod draw;
mod layers;
mod legend;
mod loss;
mod mark;
mod sparsities;
mod style;

use super::error::Error;
use super::group::Group;
use super::ordered::Ordered;
use super::select::{of_first_strategy, tasks};
use super::text::{name, pruned, title};
use crate::finetune::When;
use crate::scorer_name::ScorerName;
use chart::Chart;

/// A plot and its file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// The file's name.
    pub name: String,
    /// The SVG.
    pub svg: String,
}

/// All plots, of the first strategy of each task and time to prune. A second group of other
/// settings has a number behind its plots' names.
///
/// # Errors
///
/// A plot that cannot be drawn.
pub fn plots(groups: &[Group<'_>]) -> Result<Vec<Plot>, Error> {
    let mut plots = Vec::new();
    for task in tasks(groups) {
        for when in [When::Before, When::During] {
            let found = of_first_strategy(groups, task, when);
            for (index, group) in found.into_iter().enumerate() {
                for (kind, chart) in charts(group, when) {
                    let Some(chart) = chart else {
                        continue;
                    };
                    let count = match index {
                        0 => String::new(),
                        _ => format!("-{}", index + 1),
                    };
                    plots.push(Plot {
                        name: format!("{}-{}-{kind}{count}.svg", name(task), name(when)),
                        svg: draw::draw(&chart)?,
                    });
                }
            }
        }
    }
    Ok(plots)
}

fn charts(group: &Group<'_>, when: When) -> Vec<(&'static str, Option<Chart>)> {
    let mut charts = vec![
        ("sparsity", sparsities::chart(group)),
        ("layers", layers::chart(group)),
    ];
    if when == When::During {
        charts.push(("loss", loss::chart(group)));
    }
    charts
}

/// The title of a plot.
fn heading(group: &Group<'_>, what: &str) -> String {
    let when = group.setup.when.map_or("not pruned", pruned);
    format!("{}: {what}, {when}", title(group.setup.task))
}

/// The highest sparsity that more than half of the scorers have; else the one that the most have.
fn common_sparsity(group: &Group<'_>) -> Option<Ordered> {
    let scorers = group.scorers();
    let has = |scorer: &&ScorerName, sparsity| !group.runs(**scorer, sparsity).is_empty();
    let count = |sparsity| scorers.iter().filter(|s| has(s, sparsity)).count();
    let sparsities = group.sparsities();
    let most = sparsities
        .iter()
        .rev()
        .find(|s| 2 * count(**s) > scorers.len());
    let best = sparsities.iter().max_by_key(|s| count(**s));
    most.or(best).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, many, run, scored};

    #[test]
    fn every_task_and_time_has_its_plots() {
        let entries = entries(many());
        let plots = plots(&groups(&entries).unwrap()).unwrap();
        let names: Vec<&str> = plots.iter().map(|plot| plot.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "sst2-before-sparsity.svg",
                "sst2-before-layers.svg",
                "sst2-during-sparsity.svg",
                "sst2-during-layers.svg",
                "sst2-during-loss.svg",
            ]
        );
    }

    #[test]
    fn other_settings_have_a_number_and_empty_plots_are_left_out() {
        let mut other = run();
        other.settings.epochs = 9;
        other.layers.clear();
        let entries = entries(vec![run(), scored(run(), ScorerName::Snip, 0.5), other]);
        let plots = plots(&groups(&entries).unwrap()).unwrap();
        let names: Vec<&str> = plots.iter().map(|plot| plot.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "sst2-before-sparsity.svg",
                "sst2-before-layers.svg",
                "sst2-before-sparsity-2.svg",
            ]
        );
    }

    #[test]
    fn the_sparsity_of_one_plot_is_the_highest_that_most_scorers_have() {
        let chosen = |points: &[(ScorerName, f64)]| {
            let runs = points.iter().map(|(scorer, s)| scored(run(), *scorer, *s));
            let entries = entries(runs.collect());
            let groups = groups(&entries).unwrap();
            common_sparsity(&groups[0]).unwrap().get()
        };
        let (a, b, c) = (ScorerName::Seven, ScorerName::Snip, ScorerName::Random);
        assert_eq!(
            chosen(&[(a, 0.5), (b, 0.5), (a, 0.9), (b, 0.9), (c, 0.5), (a, 0.95)]),
            0.9
        );
        assert_eq!(chosen(&[(a, 0.5), (b, 0.7), (c, 0.9)]), 0.9);
    }
}
