//! Pruned weights stay 0 whatever the optimizer does; gradients through masks; a plain model at the
//! end.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Module, Param, ParamGroup};
use burn::nn::{Linear, LinearConfig, LinearLayout};
use burn::optim::GradientsParams;
use burn::tensor::{Device, FloatDType, Tensor};
use burn_seven::scorer::Scorer;
use burn_seven::{
    CubicSchedule, MagnitudeScorerConfig, MaskMode, Masks, ModuleScorer, MovementScorerConfig,
    OneShotSchedule, PlatonScorerConfig, Pruner, PrunerConfig, RandomScorerConfig, Selection,
    SensitivityScorerConfig, SevenScorerConfig, SnipScorerConfig, Sparsity,
};
use burn_seven_tests::devices;
use burn_seven_tests::model::{Batch, Net, adamw, gradients};

const STEPS: u64 = 20;

fn config(mode: MaskMode) -> PrunerConfig {
    // Steps 3 to 12 prune, then the masks stand still for a while.
    PrunerConfig::new(CubicSchedule::new(3..13, Sparsity::new(0.8).unwrap()))
        .with_selection(Selection::new().without(ParamGroup::from_paths(vec!["head.weight"])))
        .with_mode(mode)
}

/// Trains with AdamW and looks at the model before every forward pass.
fn train<S: Scorer>(
    scorer: ModuleScorer<S>,
    mode: MaskMode,
    device: &Device,
    mut look: impl FnMut(u64, &Net, &Pruner),
) -> (Net, Pruner) {
    let device = device.clone().autodiff();
    let model = Net::new(1, &device);
    let mut pruner = config(mode).init(scorer, &model).unwrap();
    let mut model = pruner.attach(model).unwrap();
    let mut optim = adamw();
    for step in 0..STEPS {
        look(step, &model, &pruner);
        let grads = gradients(&model, step, &device);
        model = pruner.step(model, &grads).unwrap();
        model = optim.step(0.05, model, grads);
        model = pruner.after_step(model).unwrap();
    }
    look(STEPS, &model, &pruner);
    (model, pruner)
}

fn kept(masks: &Masks) -> Vec<bool> {
    masks.iter().flat_map(|mask| mask.to_vec()).collect()
}

/// The effective selected weights; the head is not selected.
fn effective(model: &Net) -> Vec<f32> {
    model.effective()[..112].to_vec()
}

fn never_revives<S: Scorer>(scorer: ModuleScorer<S>) {
    for device in devices() {
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let mut last = vec![true; 112];
            let (model, mut pruner) =
                train(scorer.clone(), mode, &device, |step, model, pruner| {
                    let now = kept(pruner.masks());
                    assert!(
                        last.iter().zip(&now).all(|(last, now)| *last || !now),
                        "step {step}"
                    );
                    for (value, kept) in effective(model).iter().zip(&now) {
                        assert!(*kept || value.to_bits() == 0, "step {step}: {value}");
                    }
                    last = now;
                });
            // floor(0.2 · 112) = 22
            assert_eq!(pruner.masks().kept(), 22);
            let sparse = pruner.finish(model).unwrap();
            assert_eq!(
                effective(&sparse)
                    .iter()
                    .filter(|value| **value != 0.0)
                    .count(),
                22
            );
        }
    }
}

#[test]
fn adamw_never_revives_what_seven_prunes() {
    never_revives(SevenScorerConfig::new().init());
}

#[test]
fn adamw_never_revives_what_accumulated_sensitivity_prunes() {
    never_revives(SensitivityScorerConfig::new().init());
}

#[test]
fn adamw_never_revives_what_magnitude_prunes() {
    never_revives(MagnitudeScorerConfig::new().init());
}

#[test]
fn adamw_never_revives_what_snip_prunes() {
    never_revives(SnipScorerConfig::new().init());
}

#[test]
fn adamw_never_revives_what_random_prunes() {
    never_revives(RandomScorerConfig::new().init());
}

/// Some weight comes back, counts stay exact, and what is pruned is 0 all the same.
fn returns<S: Scorer>(scorer: ModuleScorer<S>, expected: usize) {
    for device in devices() {
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let mut last = vec![true; 112];
            let mut returned = 0;
            let (_, pruner) = train(scorer.clone(), mode, &device, |_, model, pruner| {
                let now = kept(pruner.masks());
                returned += last
                    .iter()
                    .zip(&now)
                    .filter(|(last, now)| !**last && **now)
                    .count();
                for (value, kept) in effective(model).iter().zip(&now) {
                    assert!(*kept || value.to_bits() == 0);
                }
                last = now;
            });
            assert!(returned > 0, "{mode:?}");
            assert_eq!(pruner.masks().kept(), expected);
        }
    }
}

// A fifth of each matrix, 9 of 48 and 12 of 64.
#[test]
fn movement_lets_weights_return() {
    returns(MovementScorerConfig::new().init(), 21);
}

#[test]
fn platon_lets_weights_return() {
    returns(PlatonScorerConfig::new().with_window(2).init(), 22);
}

#[test]
fn the_optimizer_would_revive_weights_without_masks() {
    // What the tests above guard against does happen to the stored values.
    let (model, pruner) = train(
        SevenScorerConfig::new().init(),
        MaskMode::InGraph,
        &devices()[0],
        |_, _, _| {},
    );
    let stored = [&model.first.weight, &model.second.weight]
        .map(|weight| weight.base().try_into_vec_as::<f32>().unwrap())
        .concat();
    let moved = stored
        .iter()
        .zip(kept(pruner.masks()))
        .filter(|(value, kept)| !kept && **value != 0.0);
    assert_eq!(moved.count(), 112 - 22);
}

/// The record of a plain model with the stored values of a masked one.
fn stored_record(model: &Net, device: &Device) -> burn::store::ModuleRecord {
    let mut plain = Net::new(5, device);
    plain.embedding = model.embedding.clone();
    plain.norm = model.norm.clone();
    plain.head = model.head.clone();
    for (to, from) in [
        (&mut plain.first, &model.first),
        (&mut plain.second, &model.second),
    ] {
        to.bias = from.bias.clone();
        to.weight = Param::from_tensor(from.weight.base().detach());
    }
    plain.into_record()
}

fn times_mask(weight: Param<Tensor<2>>, pruner: &Pruner, path: &str) -> Param<Tensor<2>> {
    let kept = pruner.masks().get(path).unwrap().to_vec();
    let ones: Vec<f32> = kept
        .into_iter()
        .map(|kept| f32::from(u8::from(kept)))
        .collect();
    weight.map(|weight| {
        let ones = Tensor::<1>::from_floats(ones.as_slice(), &weight.device());
        let shape = weight.shape();
        (weight * ones.reshape(shape)).detach().require_grad()
    })
}

/// Gradients of the pruned model beside those of a model whose weights were multiplied by the mask
/// by hand.
#[test]
fn gradients_through_masks_are_those_of_a_model_masked_by_hand() {
    for device in devices() {
        let (model, pruner) = train(
            SevenScorerConfig::new().init(),
            MaskMode::InGraph,
            &device,
            |_, _, _| {},
        );
        let device = device.autodiff();
        let batch = Batch::new(99, &device);
        let grads = model.loss(&batch).backward();

        // The stored weights times the mask's ones and zeros, in a plain model of their own.
        let mut by_hand = Net::new(5, &device).load_record(stored_record(&model, &device));
        by_hand.first.weight = times_mask(by_hand.first.weight, &pruner, "first.weight");
        by_hand.second.weight = times_mask(by_hand.second.weight, &pruner, "second.weight");
        let reference = by_hand.loss(&batch).backward();
        let mask = pruner.masks().get("first.weight").unwrap();
        let kept: Vec<f32> = mask
            .to_vec()
            .into_iter()
            .map(|kept| f32::from(u8::from(kept)))
            .collect();
        let kept =
            Tensor::<1>::from_floats(kept.as_slice(), &device.clone().inner()).reshape([6, 8]);

        let ours = model.first.weight.base().grad(&grads).unwrap();
        let theirs = by_hand.first.weight.val().grad(&reference).unwrap() * kept;
        ours.into_data()
            .assert_approx_eq::<f32>(&theirs.into_data(), burn::tensor::Tolerance::absolute(1e-6));
        let ours = model.head.weight.base().grad(&grads).unwrap();
        let theirs = by_hand.head.weight.val().grad(&reference).unwrap();
        ours.into_data()
            .assert_approx_eq::<f32>(&theirs.into_data(), burn::tensor::Tolerance::absolute(1e-6));
    }
}

#[test]
fn the_dense_gradient_of_movement_reaches_pruned_weights() {
    for device in devices() {
        let (model, pruner) = train(
            MovementScorerConfig::new().init(),
            MaskMode::InGraph,
            &device,
            |_, _, _| {},
        );
        let device = device.autodiff();
        let batch = Batch::new(99, &device);
        let grads = model.loss(&batch).backward();
        let by_hand = model.clone().materialize();
        let reference = by_hand.loss(&batch).backward();

        // The same as that of the plain sparse model: dense, though the value is masked.
        let ours = model.second.weight.base().grad(&grads).unwrap();
        let theirs = by_hand.second.weight.val().grad(&reference).unwrap();
        let values = ours.clone().try_into_vec_as::<f32>().unwrap();
        ours.into_data()
            .assert_approx_eq::<f32>(&theirs.into_data(), burn::tensor::Tolerance::absolute(1e-6));
        let kept = pruner.masks().get("second.weight").unwrap().to_vec();
        let reached = values
            .iter()
            .zip(kept)
            .filter(|(value, kept)| !kept && **value != 0.0);
        assert!(reached.count() > 0);
    }
}

#[test]
fn finish_leaves_a_plain_model_with_the_same_outputs() {
    for device in devices() {
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let (model, mut pruner) =
                train(SevenScorerConfig::new().init(), mode, &device, |_, _, _| {});
            let device = device.clone().autodiff();
            let tokens = Batch::new(7, &device).tokens;
            let before = model.forward(tokens.clone()).into_data();
            let sparse: Net = pruner.finish(model).unwrap();
            sparse.forward(tokens).into_data().assert_eq(&before, true);

            // Nothing but the weights is in its record, under the plain model's paths.
            let plain = Net::new(5, &device);
            assert_eq!(sparse.num_params(), plain.num_params());
            let loaded = plain.load_record(sparse.clone().into_record());
            assert_eq!(loaded.effective(), sparse.effective());
            assert!(sparse.first.weight.base().is_require_grad());
            // And it can be pruned again: no mask is left.
            let again = config(mode)
                .init(SevenScorerConfig::new().init(), &sparse)
                .unwrap();
            assert_eq!(again.masks().kept(), 22);
        }
    }
}

#[test]
fn a_sparse_model_starts_from_its_sparsity_and_its_zeros_stay() {
    let device = devices()[0].clone();
    let (model, mut pruner) = train(
        MagnitudeScorerConfig::new().init(),
        MaskMode::InGraph,
        &device,
        |_, _, _| {},
    );
    let model = pruner.finish(model).unwrap();
    let first = kept(pruner.masks());
    let device = device.autodiff();

    // From 90/112 = 0.8036 to 0.9: at the first of two linear steps 0.8518, so floor(16.6) stay.
    let schedule = burn_seven::LinearSchedule::new(0..2, Sparsity::new(0.9).unwrap());
    let selection = Selection::new().without(ParamGroup::from_paths(vec!["head.weight"]));
    let config = PrunerConfig::new(schedule).with_selection(selection);
    let mut pruner = config
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let mut model = pruner.attach(model).unwrap();
    for expected in [16, 11] {
        let grads = gradients(&model, 0, &device);
        model = pruner.step(model, &grads).unwrap();
        assert_eq!(pruner.masks().kept(), expected);
        assert!(
            kept(pruner.masks())
                .iter()
                .zip(&first)
                .all(|(now, first)| *first || !now)
        );
    }
}

/// A column-major weight is a transposed view: not contiguous.
#[test]
fn weights_that_are_not_contiguous_are_pruned_by_their_own_values() {
    for device in devices() {
        let column = LinearConfig::new(6, 8)
            .with_layout(LinearLayout::Col)
            .init(&device);
        let values = column.weight.val().try_into_vec_as::<f32>().unwrap();
        let schedule = OneShotSchedule::new(0, Sparsity::new(0.75).unwrap());
        let mut pruner = PrunerConfig::new(schedule)
            .init(MagnitudeScorerConfig::new().init(), &column)
            .unwrap();
        let masked = pruner.attach(column).unwrap();
        let masked = pruner.step(masked, &GradientsParams::new()).unwrap();
        let sparse = pruner.finish(masked).unwrap();
        assert_eq!(sparse.weight.val().dims(), [6, 8]);

        let mut order: Vec<usize> = (0..48).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        let pruned = sparse.weight.val().try_into_vec_as::<f32>().unwrap();
        for (rank, index) in order.into_iter().enumerate() {
            let expected = if rank < 12 { values[index] } else { 0.0 };
            assert_eq!(pruned[index], expected);
        }
    }
}

/// Half-precision weights are scored in float32 and stay half-precision.
#[test]
fn half_precision_weights_are_pruned_and_keep_their_type() {
    let pairs = devices().into_iter().flat_map(|device| {
        [FloatDType::F16, FloatDType::BF16].map(|dtype| (device.clone(), dtype))
    });
    for (device, dtype) in pairs {
        if !device.supports_dtype(dtype) {
            eprintln!("{device:?} has no {dtype:?}");
            continue;
        }
        let mut layer = LinearConfig::new(8, 8).init(&device);
        layer.weight = layer.weight.map(|weight| weight.cast(dtype));
        let schedule = OneShotSchedule::new(0, Sparsity::new(0.75).unwrap());
        let mut pruner = PrunerConfig::new(schedule)
            .init(MagnitudeScorerConfig::new().init(), &layer)
            .unwrap();
        let masked = pruner.attach(layer).unwrap();
        let masked = pruner.step(masked, &GradientsParams::new()).unwrap();
        let sparse = pruner.finish(masked).unwrap();
        assert_eq!(sparse.weight.val().dtype(), dtype.into());
        let zeros = sparse.weight.val().equal_scalar(0.0).int().sum();
        assert_eq!(zeros.into_scalar::<i64>(), 48);
    }
}

#[derive(Module, Debug)]
struct Spread {
    first: Linear,
    second: Linear,
}

/// A model over two devices, here two backends: one threshold, masks where their weights are.
#[test]
fn a_model_spread_over_devices_is_pruned_together() {
    let one = devices().remove(0);
    // Beside the chosen backend another one: ndarray beside flex, flex beside the others.
    let other = match one == burn_seven_flex::device() {
        true => burn_seven_ndarray::device(),
        false => burn_seven_flex::device(),
    };
    let spread = || Spread {
        first: LinearConfig::new(4, 4).init(&one),
        second: LinearConfig::new(4, 4).init(&other),
    };
    let model = spread();
    let init = |model: &Spread| {
        let schedule = OneShotSchedule::new(0, Sparsity::new(0.75).unwrap());
        PrunerConfig::new(schedule).init(MagnitudeScorerConfig::new().init(), model)
    };
    let mut pruner = init(&model).unwrap();
    let masked = pruner.attach(model).unwrap();
    let masked = pruner.step(masked, &GradientsParams::new()).unwrap();
    let mut loaded = init(&spread()).unwrap();
    loaded.load_record(pruner.to_record()).unwrap();
    for pruner in [&pruner, &loaded] {
        let masks: Vec<_> = pruner
            .masks()
            .iter()
            .map(|mask| mask.pruned().device())
            .collect();
        assert_eq!(masks, [one.clone(), other.clone()]);
        assert_eq!(pruner.masks().kept(), 8);
    }
    let sparse = loaded.finish(masked).unwrap();
    let zeros = |layer: &Linear| {
        let zeros = layer.weight.val().equal_scalar(0.0).int().sum();
        zeros.into_scalar::<i64>()
    };
    assert_eq!(zeros(&sparse.first) + zeros(&sparse.second), 24);
}
