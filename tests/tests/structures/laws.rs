//! Laws of units, on random scores with many duplicates.

use burn::tensor::{Tensor, TensorData};
use burn_seven::internals::Selector;
use burn_seven::{
    Blocks, Channels, Columns, Floor, GlobalBudget, Heads, Masks, Neurons, Pooling, Rows, Scores,
};
use burn_seven_tests::{cases, devices};
use proptest::prelude::*;

use super::sparsity;
use super::units::{Unit, blocks, heads, kept_units, neurons, slices};

/// A structure on weights of different sizes: weights, units and the selector.
struct Case {
    weights: Vec<(String, Vec<usize>)>,
    units: Vec<Unit>,
    selector: Selector,
}

const KINDS: usize = 6;

fn case(kind: usize, pooling: Pooling) -> Case {
    let matrices = [("u", [5, 3]), ("v", [4, 7]), ("w", [2, 2])];
    let of_matrices = |dim: usize| {
        let units = matrices.iter();
        let units = units.flat_map(|(path, shape)| slices(path, shape, dim, 1));
        let weights = matrices.map(|(path, shape)| (path.to_string(), shape.to_vec()));
        (weights.to_vec(), units.collect::<Vec<Unit>>())
    };
    let owned = |weights: &[(&str, &[usize])]| {
        let weights = weights.iter();
        let weights = weights.map(|(path, shape)| (path.to_string(), shape.to_vec()));
        weights.collect::<Vec<_>>()
    };
    let ((weights, units), selector) = match kind {
        0 => {
            let own = [blocks("u", &[4, 6], 2, 3), blocks("v", &[2, 9], 2, 3)];
            let weights = owned(&[("u", &[4, 6]), ("v", &[2, 9])]);
            let structure = Blocks::new(2, 3).unwrap().with_pooling(pooling);
            let selector = Selector::new(GlobalBudget, structure);
            ((weights, own.concat()), selector)
        }
        1 => {
            let structure = Rows::new().with_pooling(pooling);
            (of_matrices(0), Selector::new(GlobalBudget, structure))
        }
        2 => {
            let structure = Columns::new().with_pooling(pooling);
            (of_matrices(1), Selector::new(GlobalBudget, structure))
        }
        3 => {
            // Of a weight of an unknown layer a matrix is a linear one, else a convolution.
            let own = [slices("u", &[3, 2, 2, 2], 0, 1), slices("v", &[4, 5], 1, 1)];
            let weights = owned(&[("u", &[3, 2, 2, 2]), ("v", &[4, 5])]);
            let structure = Channels::new().with_pooling(pooling);
            let selector = Selector::new(GlobalBudget, structure);
            ((weights, own.concat()), selector)
        }
        4 => {
            let shapes: [(&str, &[usize]); 4] = [
                ("a.linear_inner.weight", &[3, 5]),
                ("a.linear_outer.weight", &[5, 2]),
                ("b.linear_inner.weight", &[4, 3]),
                ("b.linear_outer.weight", &[3, 4]),
            ];
            let own = [
                neurons((shapes[0].0, [3, 5]), (shapes[1].0, [5, 2])),
                neurons((shapes[2].0, [4, 3]), (shapes[3].0, [3, 4])),
            ];
            let structure = Neurons::default().with_pooling(pooling);
            let selector = Selector::new(GlobalBudget, structure);
            ((owned(&shapes), own.concat()), selector)
        }
        _ => {
            let own = [heads("m.", ".weight", 4, 2), heads("n.", ".weight", 6, 2)];
            let names = ["query", "key", "value", "output"];
            let weights = [("m", 4), ("n", 6)].into_iter().flat_map(|(prefix, size)| {
                names.map(|name| (format!("{prefix}.{name}.weight"), vec![size, size]))
            });
            let structure = Heads::new(2).unwrap().with_pooling(pooling);
            let selector = Selector::new(GlobalBudget, structure);
            ((weights.collect(), own.concat()), selector)
        }
    };
    Case {
        weights,
        units,
        selector: selector.with_floor(Floor::Entries(0)),
    }
}

impl Case {
    fn total(&self) -> usize {
        let counts = self.weights.iter();
        counts
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    fn places(&self) -> impl Iterator<Item = (&str, usize)> {
        let weights = self.weights.iter();
        weights.flat_map(|(path, shape)| {
            let count: usize = shape.iter().product();
            (0..count).map(move |place| (path.as_str(), place))
        })
    }

    fn scores(&self, values: &[i32], device: &burn::tensor::Device) -> Scores {
        let mut values = values.iter().cycle();
        let parts = self.weights.iter().map(|(path, shape)| {
            let count: usize = shape.iter().product();
            let own = values.by_ref().take(count);
            let own: Vec<f32> = own.map(|value| *value as f32).collect();
            let own = Tensor::from_data(TensorData::new(own, [count]), device);
            (path.clone(), shape.clone(), own)
        });
        Scores::from_parts(parts.collect::<Vec<_>>()).unwrap()
    }

    /// Each unit's score.
    fn pooled(&self, values: &[i32], pooling: Pooling) -> Vec<f64> {
        let all = self.places().zip(values.iter().cycle());
        let all: std::collections::HashMap<(&str, usize), i32> =
            all.map(|(place, value)| (place, *value)).collect();
        let pooled = self.units.iter().map(|unit| {
            let own = unit
                .iter()
                .map(|(path, place)| all[&(path.as_str(), *place)]);
            let own: Vec<f64> = own.map(f64::from).collect();
            let sum: f64 = own.iter().sum();
            match pooling {
                Pooling::Sum => sum,
                Pooling::Mean => sum / own.len() as f64,
                Pooling::L2 => own.iter().map(|value| value * value).sum::<f64>().sqrt(),
            }
        });
        pooled.collect()
    }
}

fn pooling() -> impl Strategy<Value = Pooling> {
    prop::sample::select(vec![Pooling::Sum, Pooling::Mean, Pooling::L2])
}

fn values() -> impl Strategy<Value = Vec<i32>> {
    // As many as the largest case takes.
    prop::collection::vec(-9i32..10, 208)
}

fn kept(masks: &Masks) -> Vec<bool> {
    masks.iter().flat_map(|mask| mask.to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(60)))]

    #[test]
    fn the_best_units_stay_as_long_as_they_fit(
        kind in 0..KINDS,
        pooling in pooling(),
        values in values(),
        share in 0.0f64..0.999,
    ) {
        let case = case(kind, pooling);
        let sparsity = sparsity(share);
        let budget = sparsity.kept(case.total());
        let pooled = case.pooled(&values, pooling);
        for device in devices() {
            let scores = case.scores(&values, &device);
            let chosen = case.selector.select(&scores, &scores.dense_masks(), sparsity, false);
            let masks = chosen.unwrap().masks;
            let stays = kept_units(&masks, &case.units);
            prop_assert!(masks.kept() <= budget);
            let sizes = case.units.iter().zip(&stays).filter(|(_, stays)| **stays);
            prop_assert_eq!(sizes.map(|(unit, _)| unit.len()).sum::<usize>(), masks.kept());

            let of = |wanted: bool| {
                let pairs = pooled.iter().zip(&stays).filter(move |(_, stays)| **stays == wanted);
                pairs.map(|(score, _)| *score)
            };
            let lowest = of(true).fold(f64::INFINITY, f64::min);
            let next = of(false).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(lowest >= next - 1e-5, "{lowest} stays and {next} does not");
            // The next one, or one of those that tie with it, does not fit.
            let gone = case.units.iter().zip(&pooled).zip(&stays);
            let tied = gone.filter(|((_, score), stays)| !**stays && **score >= next - 1e-5);
            let largest = tied.map(|((unit, _), _)| unit.len()).max();
            prop_assert!(largest.is_none_or(|size| masks.kept() + size > budget));
        }
    }

    #[test]
    fn masks_of_units_only_shrink_while_nothing_comes_back(
        kind in 0..KINDS,
        pooling in pooling(),
        streams in prop::collection::vec(values(), 4),
    ) {
        let case = case(kind, pooling);
        for device in devices() {
            let mut masks: Option<Masks> = None;
            for (step, values) in streams.iter().enumerate() {
                let scores = case.scores(values, &device);
                let before = masks.unwrap_or_else(|| scores.dense_masks());
                let sparsity = sparsity(0.2 * (step + 1) as f64);
                let chosen = case.selector.select(&scores, &before, sparsity, false);
                let now = chosen.unwrap().masks;
                kept_units(&now, &case.units);
                let pairs = kept(&before).into_iter().zip(kept(&now));
                prop_assert!(pairs.into_iter().all(|(before, now)| before || !now));
                prop_assert!(now.kept() <= sparsity.kept(case.total()));
                masks = Some(now);
            }
        }
    }
}
