//! Models of many kinds: pruned by their groups' units, cut, and the same outputs.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod common;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor};
use burn_seven_shrink::{Group, Groups, Shrink, ShrinkError, Sizes, groups};
use common::*;

fn unit_counts(groups: &Groups) -> Vec<(String, usize)> {
    groups
        .free()
        .map(|group| (group.name().to_string(), group.units()))
        .collect()
}

fn expect(groups: &Groups, expected: &[(&str, usize)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, units)| (name.to_string(), *units))
        .collect();
    assert_eq!(unit_counts(groups), expected, "{groups}");
}

#[test]
fn neurons_of_a_perceptron() {
    let inputs = [random([5, 6]), random([3, 6])];
    let (groups, _, small, report) =
        pruned_and_cut(&Shrink::new(), Mlp::new(), inputs, Mlp::forward);
    expect(&groups, &[("first.weight", 16), ("second.weight", 12)]);
    assert_eq!(small.second.weight.dims(), [8, 6]);
    assert_eq!(small.second.bias.as_ref().unwrap().dims(), [6]);
    // 5 rows: 5 (6 x 16 + 16 x 12 + 12 x 3) and 5 (6 x 8 + 8 x 6 + 6 x 3).
    assert_eq!(report.multiply_adds(), [1620, 570]);
    assert_eq!(report.parameters(), [112 + 204 + 39, 56 + 54 + 21]);
}

#[test]
fn neurons_and_heads_of_a_vision_transformer() {
    let inputs = [random([3, 4, 4]), random([2, 4, 4])];
    let (groups, _, small, report) =
        pruned_and_cut(&Shrink::new(), Vit::new(), inputs, Vit::forward);
    let free = unit_counts(&groups);
    assert!(
        free.contains(&("encoder.layers.0.mha.query.weight".to_string(), 4)),
        "{groups}"
    );
    assert!(
        free.contains(&("encoder.layers.1.pwff.linear_inner.weight".to_string(), 24)),
        "{groups}"
    );
    let layer = &small.encoder.layers[1];
    assert_eq!(layer.mha.heads(), 2, "{report}");
    assert_eq!(layer.mha.output.weight.dims(), [8, 16]);
    assert_eq!(layer.pwff.linear_inner.weight.dims(), [16, 12]);
}

// Burn's attention reshapes to its input's width.
#[test]
fn an_attention_that_cannot_be_cut_is_refused_by_name() {
    let inputs = [random([2, 5, 16]), random([3, 4, 16])];
    let (groups, _, small, _) = pruned_and_cut(&Shrink::new(), burn_encoder(), inputs, encode);
    let heads = groups
        .iter()
        .find(|group| group.name() == "layers.0.mha.query.weight")
        .unwrap();
    let why = heads.fixed().unwrap();
    assert!(why.contains("does not follow"), "{why}");
    assert_eq!(small.layers[1].pwff.linear_outer.weight.dims(), [12, 16]);
    assert_eq!(small.layers[1].mha.query.weight.dims(), [16, 16]);
}

#[test]
fn neurons_of_a_decoder() {
    let input = || (random([2, 5, 16]), random([2, 3, 16]));
    let (_, _, small, report) =
        pruned_and_cut(&Shrink::new(), burn_decoder(), [input(), input()], decode);
    assert_eq!(
        small.layers[0].pwff.linear_inner.weight.dims(),
        [16, 12],
        "{report}"
    );
}

#[test]
fn channels_of_residual_blocks_and_their_width() {
    let inputs = [random([2, 1, 6, 6]), random([3, 1, 6, 6])];
    let (groups, _, small, report) =
        pruned_and_cut(&Shrink::new(), ResNet::new(), inputs, ResNet::forward);
    expect(
        &groups,
        &[
            ("stem.weight", 8),
            ("conv_1.weight", 6),
            ("conv_3.weight", 12),
            ("conv_4.weight", 10),
        ],
    );
    assert_eq!(small.conv_2.weight.dims(), [4, 3, 3, 3], "{report}");
    assert_eq!(small.shortcut.weight.dims(), [5, 4, 1, 1]);
    assert_eq!(small.norm_2.running_mean.value().dims(), [4]);
}

#[test]
fn depthwise_channels_with_their_number_set() {
    let inputs = || [random([2, 1, 4, 4]), random([3, 1, 4, 4])];
    let shrink = Shrink::new().with_numbers(MobileNet::numbers);
    let (groups, _, small, report) =
        pruned_and_cut(&shrink, MobileNet::new(), inputs(), MobileNet::forward);
    expect(&groups, &[("stem.weight", 4), ("expand.weight", 12)]);
    assert_eq!(small.depthwise.weight.dims(), [6, 1, 3, 3], "{report}");
    // Without it they stay, and the reason is named.
    let (groups, _, small, _) = pruned_and_cut(
        &Shrink::new(),
        MobileNet::new(),
        inputs(),
        MobileNet::forward,
    );
    expect(&groups, &[("stem.weight", 4)]);
    assert_eq!(small.depthwise.weight.dims(), [12, 1, 3, 3]);
}

#[test]
fn hidden_units_of_an_lstm_and_its_embedding() {
    let inputs = [tokens::<2, 5>(1), tokens::<3, 5>(4)];
    let shrink = Shrink::new().with_numbers(Recurrent::numbers);
    let (groups, _, small, report) =
        pruned_and_cut(&shrink, Recurrent::new(), inputs, Recurrent::forward);
    assert_eq!(
        unit_counts(&groups)[0],
        ("embedding.weight".to_string(), 6),
        "{groups}"
    );
    assert_eq!(groups.free().count(), 2, "{groups}");
    assert_eq!(
        small.lstm.cell_gate.hidden_transform.weight.dims(),
        [4, 4],
        "{report}"
    );
    assert_eq!(small.embedding.weight.dims(), [11, 3]);
}

#[test]
fn gates_and_concatenated_branches() {
    let inputs = [random([5, 6]), random([3, 6])];
    let (groups, _, small, report) =
        pruned_and_cut(&Shrink::new(), Gated::new(), inputs, Gated::forward);
    expect(
        &groups,
        &[
            ("glu.linear_inner.weight", 10),
            ("left.weight", 8),
            ("right.weight", 4),
        ],
    );
    assert_eq!(small.glu.linear_outer.weight.dims(), [6, 5], "{report}");
    assert_eq!(small.head.weight.dims(), [6, 3]);
}

#[test]
fn a_record_loads_again_by_its_sizes() {
    let inputs = [random([5, 6]), random([3, 6])];
    let x = inputs[1].clone();
    let (_, _, small, _) = pruned_and_cut(&Shrink::new(), Mlp::new(), inputs, Mlp::forward);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    Sizes::of(&small).unwrap().save(at("sizes.json")).unwrap();
    small.clone().save_file(at("model.bpk")).unwrap();
    let loaded = Sizes::load(at("sizes.json"))
        .unwrap()
        .resize(Mlp::new())
        .unwrap();
    let loaded = loaded.load_file(at("model.bpk"));
    let same = loaded
        .forward(x.clone())
        .equal(small.forward(x))
        .all()
        .into_scalar::<bool>();
    assert!(same);
    let error = Sizes::of(&small).unwrap().resize(Gated::new()).unwrap_err();
    assert!(
        matches!(&error, ShrinkError::Missing { path } if path.starts_with("first")),
        "{error}"
    );
}

#[test]
fn by_hand_the_same_units_are_cut() {
    let inputs = [random([5, 6]), random([3, 6])];
    let (_, pruned, small, _) = pruned_and_cut(&Shrink::new(), Mlp::new(), inputs, Mlp::forward);
    let first = Group::new(16)
        .made_by("first.weight", 1)
        .made_by("first.bias", 0)
        .read_by("second.weight", 0);
    let second = Group::new(12)
        .made_by("second.weight", 1)
        .made_by("second.bias", 0)
        .read_by("head.weight", 0);
    let groups = Groups::by_hand(&pruned, [first, second]).unwrap();
    let (other, report) = groups.cut(&pruned).unwrap();
    assert_eq!(report.groups()[1].after, 6);
    assert_eq!(Sizes::of(&other).unwrap(), Sizes::of(&small).unwrap());

    let error = Groups::by_hand(&pruned, [Group::new(5).made_by("first.weight", 1)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "first.weight should have 5 along dimension 1, but its shape is [6, 16]"
    );
}

#[test]
fn a_dense_model_stays_and_multiply_adds_are_reached() {
    let model = Mlp::new();
    let x = random([5, 6]);
    let (same, report) = Shrink::new()
        .shrink(&model, x.clone(), Mlp::forward)
        .unwrap();
    assert!(!report.is_smaller());
    assert_eq!(same.first.weight.dims(), [6, 16]);
    // Half of the units leave 570 of 1620.
    let groups = groups(&model, &x, Mlp::forward).unwrap();
    let sparsity = groups.sparsity_for_multiply_adds(1050.0 / 1620.0).unwrap();
    assert!((sparsity.value() - 0.5).abs() < 1e-9, "{sparsity:?}");
    assert!(groups.sparsity_for_multiply_adds(1.5).is_err());
}

/// Groups as Torch-Pruning's: weights with the axes that are cut together.
fn table<M: Module>(groups: &Groups, model: &M) -> Vec<Vec<(String, usize)>> {
    let sizes = Sizes::of(model).unwrap();
    let is_weight = |path: &str| sizes.shape(path).unwrap().len() > 1;
    let mut table: Vec<Vec<(String, usize)>> = groups
        .free()
        .map(|group| {
            let members = group
                .members()
                .iter()
                .filter(|member| is_weight(&member.path));
            let mut members: Vec<_> = members
                .map(|member| (member.path.clone(), member.axis))
                .collect();
            members.sort();
            members
        })
        .collect();
    table.sort();
    table
}

// Recorded by `tests/references/groups.py`.
#[test]
fn groups_are_those_of_torch_pruning() {
    let record = include_str!("../../../tests/references/groups.json");
    let record: std::collections::BTreeMap<String, Vec<Vec<(String, usize)>>> =
        serde_json::from_str(record).unwrap();
    let mlp = Mlp::new();
    let own = groups(&mlp, &random([2, 6]), Mlp::forward).unwrap();
    assert_eq!(table(&own, &mlp), record["perceptron"]);
    let resnet = ResNet::new();
    let own = groups(&resnet, &random([2, 1, 6, 6]), ResNet::forward).unwrap();
    assert_eq!(table(&own, &resnet), record["resnet"]);
    let mobilenet = MobileNet::new();
    let shrink = Shrink::new().with_numbers(MobileNet::numbers);
    let own = shrink
        .groups(&mobilenet, &random([2, 1, 4, 4]), MobileNet::forward)
        .unwrap();
    assert_eq!(table(&own, &mobilenet), record["mobilenet"]);
    let gated = Gated::new();
    let own = groups(&gated, &random([2, 6]), Gated::forward).unwrap();
    assert_eq!(table(&own, &gated), record["gated"]);
}

// What is smaller trains on, with an optimizer that knows the larger one.
#[test]
fn a_smaller_model_trains_on() {
    use burn::optim::{AdamWConfig, GradientsParams};

    let inputs = [random([5, 6]), random([3, 6])];
    let x = inputs[1].clone();
    let (_, pruned, small, _) = pruned_and_cut(&Shrink::new(), Mlp::new(), inputs, Mlp::forward);
    let mut optim = AdamWConfig::new().init();
    let mut step = |model: Mlp| {
        let grads = model.forward(x.clone()).square().mean().backward();
        let grads = GradientsParams::from_grads(grads, &model);
        optim.step(0.01, model, grads)
    };
    step(pruned);
    let before = small.head.weight.val().inner();
    let after = step(small).head.weight.val().inner();
    assert!(!before.equal(after).all().into_scalar::<bool>());
}

// The width of a transformer goes through layer norms: outputs change, and only on request.
#[test]
fn widths_are_cut_on_request() {
    let (model, x) = (Vit::new(), random([3, 4, 4]));
    let shrink = Shrink::new().with_changes(true);
    let own = shrink.groups(&model, &x, Vit::forward).unwrap();
    let width = own
        .free()
        .find(|group| group.name() == "patch.weight")
        .unwrap();
    assert_eq!(width.units(), 16);
    assert_eq!(
        width.changes(),
        Some("layer norm takes its mean and variance")
    );
    let inputs = [x.clone(), x];
    let plain = groups(&model, &inputs[0], Vit::forward).unwrap();
    assert!(plain.free().all(|group| group.name() != "patch.weight"));
}

#[test]
#[allow(deprecated)] // ndarray
fn a_model_on_another_backend_stays_there() {
    let device = Device::ndarray();
    let inputs = [random([5, 6]), random([3, 6])];
    let (_, pruned, _, _) = pruned_and_cut(&Shrink::new(), Mlp::new(), inputs, Mlp::forward);
    let model = pruned.valid().to_device(&device);
    let x = random([4, 6]).inner().to_device(&device);
    let (small, report) = Shrink::new()
        .with_timing(3)
        .shrink(&model, x.clone(), Mlp::forward)
        .unwrap();
    assert_eq!(small.devices(), [device]);
    assert_eq!(small.second.weight.dims(), [8, 6]);
    let difference = (model.forward(x.clone()) - small.forward(x)).abs().max();
    assert!(difference.into_scalar::<f32>() < 1e-5);
    assert!(report.seconds().is_some());
}

#[test]
fn a_model_with_masks_in_its_graph_is_refused() {
    use burn_seven_core::{MagnitudeScorerConfig, OneShotSchedule, PrunerConfig, Sparsity};

    let (model, x) = (Mlp::new(), random([4, 6]));
    let schedule = OneShotSchedule::new(1, Sparsity::new(0.5).unwrap());
    let config = PrunerConfig::new(schedule);
    let mut pruner = config
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap();
    let masked = pruner.attach(model).unwrap();
    let error = Shrink::new().shrink(&masked, x, Mlp::forward).unwrap_err();
    assert!(
        matches!(&error, ShrinkError::Reparameterized { path } if path == "first.weight"),
        "{error}"
    );
}

/// Two layers with a function between them that does not keep zeros.
#[derive(Module, Debug)]
struct Squashed {
    inner: Linear,
    outer: Linear,
}

impl Squashed {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.outer.forward(sigmoid(self.inner.forward(x)))
    }
}

// Neuron 0 is made of zeros, so it is 0.5 and read; nothing reads neuron 1.
#[test]
fn a_neuron_that_is_made_of_zeros_stays_where_it_is_not_zero() {
    let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
    let mut model = Squashed {
        inner: linear(3, 4),
        outer: linear(4, 2),
    };
    let zero = |tensor: Tensor<2>, dim: usize, at: i64| {
        let place = Tensor::<1, Int>::from_ints([at], &device());
        let size = tensor.clone().select(dim, place.clone()).zeros_like();
        let old = tensor.clone().select(dim, place.clone());
        tensor.select_assign(dim, place, size - old, IndexingUpdateOp::Add)
    };
    model.inner.weight = model
        .inner
        .weight
        .map(|weight| zero(weight, 1, 0).detach().require_grad());
    model.inner.bias = model
        .inner
        .bias
        .map(|bias| bias.map(|bias| bias.zeros_like().require_grad()));
    model.outer.weight = model
        .outer
        .weight
        .map(|weight| zero(weight, 0, 1).detach().require_grad());
    let x = random([5, 3]);
    let (small, report) = Shrink::new()
        .shrink(&model, x.clone(), Squashed::forward)
        .unwrap();
    assert_eq!(report.groups()[0].after, 3);
    let difference = (model.forward(x.clone()) - small.forward(x)).abs().max();
    assert!(difference.into_scalar::<f32>() < 1e-5);
    // By hand nothing is known of what lies between.
    let neurons = Group::new(4)
        .made_by("inner.weight", 1)
        .made_by("inner.bias", 0)
        .read_by("outer.weight", 0);
    let (_, report) = Groups::by_hand(&model, [neurons])
        .unwrap()
        .cut(&model)
        .unwrap();
    assert_eq!(report.groups()[0].after, 2);
}
