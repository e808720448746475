//! Runs that are compared with each other, and the points they make.

use std::collections::{BTreeMap, BTreeSet};

use super::error::Error;
use super::ordered::Ordered;
use super::read::Entry;
use super::sample::Sample;
use super::setup::Setup;
use super::text::points;
use crate::finetune::Run;
use crate::scorer_name::ScorerName;

/// Runs of one setup. All runs of a scorer at a sparsity differ by their seed only: they are a
/// point.
#[derive(Debug, Clone)]
pub struct Group<'a> {
    /// What all have in common.
    pub setup: Setup,
    /// The dense model's runs, by seed.
    pub dense: Vec<&'a Run>,
    points: BTreeMap<(ScorerName, Ordered), Vec<&'a Run>>,
}

/// Groups runs by their setup. Dense models are in each group that is trained alike, or in one of
/// their own.
///
/// # Errors
///
/// Two dense models of the same seed and training with different results.
pub fn groups(entries: &[Entry]) -> Result<Vec<Group<'_>>, Error> {
    let mut groups: BTreeMap<Setup, Group<'_>> = BTreeMap::new();
    let mut dense: BTreeMap<Setup, BTreeMap<u64, &Entry>> = BTreeMap::new();
    for entry in entries {
        let run = &entry.run;
        let setup = Setup::of(run);
        if setup.when.is_none() {
            let seeds = dense.entry(setup).or_default();
            let first = *seeds.entry(run.settings.seed).or_insert(entry);
            same_result(first, entry)?;
            continue;
        }
        let key = (run.settings.scorer, Ordered::new(run.settings.sparsity));
        let group = groups.entry(setup.clone());
        let group = group.or_insert_with(|| Group::new(setup));
        group.points.entry(key).or_default().push(run);
    }
    for (setup, seeds) in dense {
        let runs: Vec<&Run> = seeds.values().map(|entry| &entry.run).collect();
        let mut alone = true;
        for group in groups.values_mut().filter(|g| g.setup.dense() == setup) {
            group.dense = runs.clone();
            alone = false;
        }
        if alone {
            let mut group = Group::new(setup.clone());
            group.dense = runs;
            groups.insert(setup, group);
        }
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    for runs in groups
        .iter_mut()
        .flat_map(|group| group.points.values_mut())
    {
        runs.sort_by_key(|run| run.settings.seed);
    }
    Ok(groups)
}

/// Scorer and rounds mean nothing at sparsity 0: such runs count once if they agree.
fn same_result(first: &Entry, second: &Entry) -> Result<(), Error> {
    let [one, other] = [first, second].map(|entry| entry.run.result());
    if one == other {
        return Ok(());
    }
    Err(Error::Dense {
        first: first.place.clone(),
        second: second.place.clone(),
        one,
        other,
    })
}

impl<'a> Group<'a> {
    fn new(setup: Setup) -> Self {
        Self {
            setup,
            dense: Vec::new(),
            points: BTreeMap::new(),
        }
    }

    /// The runs of a point by seed; none where there is none.
    pub fn runs(&self, scorer: ScorerName, sparsity: Ordered) -> &[&'a Run] {
        let runs = self.points.get(&(scorer, sparsity));
        runs.map_or(&[], Vec::as_slice)
    }

    /// A point's results together.
    pub fn point(&self, scorer: ScorerName, sparsity: Ordered) -> Option<Sample> {
        results(self.runs(scorer, sparsity))
    }

    /// All pruned runs.
    pub fn pruned(&self) -> impl Iterator<Item = &'a Run> {
        self.points.values().flatten().copied()
    }

    /// All scorers.
    pub fn scorers(&self) -> BTreeSet<ScorerName> {
        self.points.keys().map(|(scorer, _)| *scorer).collect()
    }

    /// All sparsities but that of the dense model.
    pub fn sparsities(&self) -> BTreeSet<Ordered> {
        self.points.keys().map(|(_, sparsity)| *sparsity).collect()
    }

    /// The metric of the answer that needs no model.
    pub fn majority(&self) -> Option<f64> {
        let mut runs = self.dense.iter().copied().chain(self.pruned());
        runs.find_map(|run| run.majority.get(&run.metric).copied())
    }

    /// The setup in words, with the majority class.
    pub fn parts(&self) -> Vec<String> {
        let mut parts = self.setup.parts();
        let majority = self.majority().map_or("—".to_string(), points);
        parts.insert(1, format!("majority class {majority}"));
        parts
    }
}

/// The results of runs together.
pub fn results(runs: &[&Run]) -> Option<Sample> {
    let values: Vec<f64> = runs.iter().filter_map(|run| run.result()).collect();
    Sample::of(&values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::When;
    use crate::report::testing::{entries, run, scored, seeded};

    #[test]
    fn a_point_is_all_settings_but_the_seed() {
        let at = |sparsity, seed, result| {
            seeded(scored(run(), ScorerName::Snip, sparsity), seed, result)
        };
        let entries = entries(vec![at(0.5, 1, 0.8), at(0.5, 0, 0.6), at(0.9, 0, 0.5)]);
        let groups = groups(&entries).unwrap();
        assert_eq!(groups.len(), 1);
        let point = groups[0]
            .point(ScorerName::Snip, Ordered::new(0.5))
            .unwrap();
        assert_eq!((point.count, point.mean), (2, 0.7));
        let runs = groups[0].runs(ScorerName::Snip, Ordered::new(0.5));
        let seeds: Vec<u64> = runs.iter().map(|run| run.settings.seed).collect();
        assert_eq!(seeds, [0, 1]);
        assert_eq!(groups[0].sparsities().len(), 2);
        assert_eq!(groups[0].point(ScorerName::Seven, Ordered::new(0.5)), None);
        assert_eq!(groups[0].majority(), Some(0.5));
    }

    #[test]
    fn dense_models_are_in_each_group_trained_alike_and_count_once_a_seed() {
        let mut during = run();
        during.settings.when = When::During;
        let mut longer = run();
        longer.settings.epochs = 9;
        let dense = |scorer| seeded(scored(run(), scorer, 0.0), 3, 0.95);
        let runs = vec![
            run(),
            during,
            longer,
            dense(ScorerName::Seven),
            dense(ScorerName::Snip),
        ];
        let entries = entries(runs);
        let groups = groups(&entries).unwrap();
        let dense: Vec<usize> = groups.iter().map(|group| group.dense.len()).collect();
        assert_eq!(dense, [1, 0, 1]);
    }

    #[test]
    fn dense_models_alone_are_a_group() {
        let entries = entries(vec![scored(run(), ScorerName::Seven, 0.0)]);
        let groups = groups(&entries).unwrap();
        assert_eq!((groups.len(), groups[0].dense.len()), (1, 1));
        assert_eq!(groups[0].majority(), Some(0.5));
    }

    #[test]
    fn dense_models_of_a_seed_that_differ_are_an_error() {
        let dense = |scorer, result| seeded(scored(run(), scorer, 0.0), 3, result);
        let runs = vec![dense(ScorerName::Seven, 0.9), dense(ScorerName::Snip, 0.8)];
        assert_eq!(
            groups(&entries(runs)).unwrap_err().to_string(),
            "runs.jsonl:2 trains the dense model of runs.jsonl:1 again, but its result is \
             0.8, not 0.9"
        );
    }
}
