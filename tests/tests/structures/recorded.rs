//! Which units stay, beside what another implementation recorded.

use burn::module::{Module, Param, ParamGroup};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn_seven::internals::Selector;
use burn_seven::{
    Blocks, Channels, Columns, Floor, GlobalBudget, Heads, MagnitudeScorerConfig, Masks, Neurons,
    OneShotSchedule, Pooling, PrunerConfig, Rows, Scores, Selection,
};
use burn_seven_tests::devices;
use serde_json::Value;

use super::sparsity;
use super::units::{Unit, blocks, heads, kept_units, neurons, slices};

const POOLINGS: [(&str, Pooling); 3] = [
    ("sum", Pooling::Sum),
    ("mean", Pooling::Mean),
    ("l2", Pooling::L2),
];

/// Weights that are the recorded scores, all above 0: their magnitude is the score.
#[derive(Module, Debug)]
struct Weights {
    matrix: Linear,
    convolution: Conv2d,
    first: Linear,
    second: Linear,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
}

fn record() -> Value {
    serde_json::from_str(include_str!("../../references/units.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

impl Weights {
    fn new(record: &Value, device: &Device) -> Self {
        let values = |name: &str| floats(&record["weights"][name]);
        let linear = |name: &str, rows, columns| {
            let data = TensorData::new(values(name), [rows, columns]);
            let config = LinearConfig::new(rows, columns).with_bias(false);
            let mut linear = config.init(device);
            linear.weight = Param::from_tensor(Tensor::from_data(data, device));
            linear
        };
        let mut convolution = Conv2dConfig::new([3, 4], [2, 2])
            .with_bias(false)
            .init(device);
        let data = TensorData::new(values("convolution"), [4, 3, 2, 2]);
        convolution.weight = Param::from_tensor(Tensor::from_data(data, device));
        Self {
            matrix: linear("matrix", 6, 8),
            convolution,
            first: linear("first", 4, 6),
            second: linear("second", 6, 4),
            query: linear("query", 6, 6),
            key: linear("key", 6, 6),
            value: linear("value", 6, 6),
            output: linear("output", 6, 6),
        }
    }
}

fn names(structure: &str) -> &'static [&'static str] {
    match structure {
        "channels" => &["convolution.weight"],
        "neurons" => &["first.weight", "second.weight"],
        "heads" => &[
            "query.weight",
            "key.weight",
            "value.weight",
            "output.weight",
        ],
        _ => &["matrix.weight"],
    }
}

fn units(structure: &str) -> Vec<Unit> {
    match structure {
        "blocks" => blocks("matrix.weight", &[6, 8], 2, 4),
        "rows" => slices("matrix.weight", &[6, 8], 0, 1),
        "columns" => slices("matrix.weight", &[6, 8], 1, 1),
        "channels" => slices("convolution.weight", &[4, 3, 2, 2], 0, 1),
        "neurons" => neurons(("first.weight", [4, 6]), ("second.weight", [6, 4])),
        "heads" => heads("", ".weight", 6, 3),
        other => panic!("{other}"),
    }
}

fn with(config: PrunerConfig, structure: &str, pooling: Pooling) -> PrunerConfig {
    let group = ParamGroup::from_paths(names(structure).to_vec());
    match structure {
        "blocks" => {
            let blocks = Blocks::new(2, 4).unwrap();
            config.with_structure_in(group, blocks.with_pooling(pooling))
        }
        "rows" => config.with_structure_in(group, Rows::new().with_pooling(pooling)),
        "columns" => config.with_structure_in(group, Columns::new().with_pooling(pooling)),
        "channels" => config.with_structure_in(group, Channels::new().with_pooling(pooling)),
        "neurons" => {
            let neurons = Neurons::between("first", "second");
            config.with_structure_in(group, neurons.with_pooling(pooling))
        }
        "heads" => {
            let heads = Heads::new(3).unwrap();
            config.with_structure_in(group, heads.with_pooling(pooling))
        }
        other => panic!("{other}"),
    }
}

/// The masks of these structures' weights together.
fn choose(model: &Weights, structures: &[&str], pooling: Pooling, density: f64) -> Masks {
    let paths = structures.iter().flat_map(|name| names(name));
    let group = ParamGroup::from_paths(paths.copied().collect());
    let schedule = OneShotSchedule::new(0, sparsity(1.0 - density));
    let mut config = PrunerConfig::new(schedule)
        .with_floor(Floor::Entries(0))
        .with_selection(Selection::new().with_group(group));
    for structure in structures {
        config = with(config, structure, pooling);
    }
    let scorer = MagnitudeScorerConfig::new().init();
    let mut pruner = config.init(scorer, model).unwrap();
    let model = pruner.attach(model.clone()).unwrap();
    pruner.step(model, &GradientsParams::new()).unwrap();
    pruner.masks().clone()
}

fn numbers(value: &Value) -> Vec<usize> {
    let values = value.as_array().unwrap().iter();
    values.map(|one| one.as_u64().unwrap() as usize).collect()
}

#[test]
fn units_are_of_the_recorded_size_and_order() {
    let record = record();
    for device in devices() {
        let model = Weights::new(&record, &device);
        for own in record["units"].as_array().unwrap() {
            let structure = own["structure"].as_str().unwrap();
            let units = units(structure);
            let sizes: Vec<usize> = units.iter().map(Vec::len).collect();
            assert_eq!(sizes, numbers(&own["sizes"]), "{structure}");
            for (name, pooling) in POOLINGS {
                let scores = floats(&own[name]);
                let mut order: Vec<usize> = (0..units.len()).collect();
                order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
                // For every count the best of the recorded scores stay.
                for count in 1..units.len() {
                    // A little more than so many units, and less than one more.
                    let density = (count as f64 + 0.25) / units.len() as f64;
                    let masks = choose(&model, &[structure], pooling, density);
                    let kept = kept_units(&masks, &units);
                    let mut best = vec![false; units.len()];
                    order[..count].iter().for_each(|unit| best[*unit] = true);
                    assert_eq!(kept, best, "{structure} by {name}, {count} of them");
                }
            }
        }
    }
}

#[test]
fn pools_of_units_of_different_sizes_keep_what_was_recorded() {
    let record = record();
    for device in devices() {
        let model = Weights::new(&record, &device);
        for pool in record["pools"].as_array().unwrap() {
            let structures = pool["structures"].as_array().unwrap();
            let structures: Vec<&str> = structures
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            let name = pool["pooling"].as_str().unwrap();
            let (_, pooling) = POOLINGS.iter().find(|(other, _)| *other == name).unwrap();
            let density = pool["density"].as_f64().unwrap();
            let masks = choose(&model, &structures, *pooling, density);
            let used = pool["used"].as_u64().unwrap() as usize;
            assert_eq!(masks.kept(), used, "{structures:?} by {name}");
            for structure in &structures {
                let kept = kept_units(&masks, &units(structure)).into_iter();
                let kept = kept.enumerate().filter(|(_, kept)| *kept);
                let kept: Vec<usize> = kept.map(|(unit, _)| unit).collect();
                let expected = numbers(&pool["kept"][structure]);
                assert_eq!(kept, expected, "{structure} of {structures:?} by {name}");
            }
            for (path, mask) in pool["masks"].as_object().unwrap() {
                let expected: Vec<bool> = floats(mask).iter().map(|kept| *kept == 1.0).collect();
                let mask = masks.get(&format!("{path}.weight")).unwrap();
                assert_eq!(mask.to_vec(), expected, "{path}, {structures:?} by {name}");
            }
        }
    }
}

#[test]
fn of_equal_units_the_earlier_weight_and_the_lower_index_stay() {
    let record = record();
    for device in devices() {
        for pool in record["tied_pools"].as_array().unwrap() {
            let part = |path: &str, rows: usize| {
                let values = floats(&record["tied_weights"][path]);
                let data = TensorData::new(values, [rows * 4]);
                let values = Tensor::from_data(data, &device);
                (path.to_string(), vec![rows, 4], values)
            };
            let scores = Scores::from_parts([part("a", 4), part("b", 2)]).unwrap();
            let rows = Rows::new().with_pooling(Pooling::Sum);
            let selector = Selector::new(GlobalBudget, rows).with_floor(Floor::Entries(0));
            let density = pool["density"].as_f64().unwrap();
            let dense = scores.dense_masks();
            let sparsity = sparsity(1.0 - density);
            for regrows in [false, true] {
                let chosen = selector.select(&scores, &dense, sparsity, regrows);
                let masks = chosen.unwrap().masks;
                for path in ["a", "b"] {
                    let expected = floats(&pool["masks"][path]).into_iter();
                    let expected: Vec<bool> = expected.map(|kept| kept == 1.0).collect();
                    let mask = masks.get(path).unwrap().to_vec();
                    assert_eq!(mask, expected, "{path} at {density}");
                }
            }
        }
    }
}
