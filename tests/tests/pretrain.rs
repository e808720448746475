//! Pruning before training: rounds, one cut, frozen and rewound weights.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Module, ParamGroup};
use burn::tensor::{Device, Tensor};
use burn_seven::{
    CubicSchedule, Error, MagnitudeScorerConfig, MaskMode, MovementScorerConfig, OneShotSchedule,
    Pruner, PrunerConfig, Schedule, Selection, SensitivityScorerConfig, SevenScorerConfig,
    SnipScorerConfig, Sparsity,
};
use burn_seven_tests::model::{Batch, Net, adamw, gradients};
use burn_seven_tests::{devices, last_device};

const ROUNDS: usize = 12;

fn config(schedule: impl Schedule, mode: MaskMode) -> PrunerConfig {
    PrunerConfig::new(schedule)
        .with_selection(Selection::new().without(ParamGroup::from_paths(vec!["head.weight"])))
        .with_mode(mode)
}

fn sparsity() -> Sparsity {
    Sparsity::new(0.75).unwrap()
}

fn cubic() -> CubicSchedule {
    CubicSchedule::new(0..ROUNDS, sparsity())
}

fn batches(device: &Device) -> impl Iterator<Item = Batch> {
    (0..).map(|step| Batch::new(step, device))
}

fn loss(model: &Net, batch: Batch) -> Tensor<1> {
    model.loss(&batch)
}

fn kept(pruner: &Pruner) -> Vec<bool> {
    pruner
        .masks()
        .iter()
        .flat_map(|mask| mask.to_vec())
        .collect()
}

fn stored(model: &Net) -> Vec<f32> {
    let weights = [
        &model.first.weight,
        &model.second.weight,
        &model.head.weight,
    ];
    weights
        .map(|weight| weight.base().try_into_vec_as::<f32>().unwrap())
        .concat()
}

#[test]
fn frozen_rounds_prune_to_the_target_and_leave_the_weights_as_they_came() {
    for device in devices() {
        let device = device.autodiff();
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let model = Net::new(2, &device);
            let came = stored(&model);
            let mut pruner = config(cubic(), mode)
                .init(SevenScorerConfig::new().init(), &model)
                .unwrap();
            let model = pruner
                .prune_before_training(model, batches(&device), loss)
                .unwrap();
            assert!(pruner.is_finished());
            assert_eq!(pruner.steps(), ROUNDS);
            assert_eq!(pruner.masks().kept(), 28); // a quarter of 6·8 + 8·8
            let sparse = pruner.finish(model).unwrap();
            for ((now, came), kept) in sparse.effective().iter().zip(&came).zip(kept(&pruner)) {
                assert_eq!(*now, if kept { *came } else { 0.0 });
            }
        }
    }
}

/// Also where weights return: with masks after the step they come back as they came, not as 0.
#[test]
fn frozen_rounds_leave_returned_weights_as_they_came() {
    for device in devices() {
        let device = device.autodiff();
        let model = Net::new(2, &device);
        let came = stored(&model);
        let mut masks = Vec::new();
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let scorer = MovementScorerConfig::new().init();
            let mut pruner = config(cubic(), mode).init(scorer, &model).unwrap();
            let pruned = pruner.prune_before_training(model.clone(), batches(&device), loss);
            let sparse = pruner.finish(pruned.unwrap()).unwrap();
            for ((now, came), kept) in sparse.effective().iter().zip(&came).zip(kept(&pruner)) {
                assert_eq!(*now, if kept { *came } else { 0.0 });
            }
            masks.push(kept(&pruner));
        }
        // Both modes see the same dense values and gradients.
        assert_eq!(masks[0], masks[1]);
    }
}

#[test]
fn a_frozen_model_can_be_pruned_before_training_without_gradients() {
    let device = devices()[0].clone().autodiff();
    for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
        let frozen = Net::new(2, &device).freeze();
        let scorer = MagnitudeScorerConfig::new().init();
        let mut pruner = config(cubic(), mode).init(scorer, &frozen).unwrap();
        let pruned = pruner
            .prune_before_training(frozen.clone(), batches(&device), loss)
            .unwrap();
        assert_eq!(pruner.masks().kept(), 28);
        drop(pruned);
        let seven = SevenScorerConfig::new().init();
        let mut pruner = config(cubic(), mode).init(seven, &frozen).unwrap();
        let failed = pruner
            .prune_before_training(frozen, batches(&device), loss)
            .unwrap_err();
        assert!(matches!(failed.error(), Error::MissingGradient { .. }));
    }
}

/// The same by a loop of one's own: gradient of the masked model, update, prune.
#[test]
fn the_rounds_are_the_steps_of_a_loop_by_hand() {
    let device = devices()[0].clone().autodiff();
    let model = Net::new(2, &device);
    let init = || config(cubic(), MaskMode::InGraph).init(SevenScorerConfig::new().init(), &model);
    let mut by_call = init().unwrap();
    by_call
        .prune_before_training(model.clone(), batches(&device), loss)
        .unwrap();
    let mut by_hand = init().unwrap();
    let mut masked = by_hand.attach(model.clone()).unwrap();
    for round in 0..ROUNDS as u64 {
        let grads = gradients(&masked, round, &device);
        masked = by_hand.step(masked, &grads).unwrap();
    }
    assert_eq!(kept(&by_call), kept(&by_hand));
}

#[test]
fn masks_stay_fixed_through_fine_tuning() {
    let device = last_device().autodiff();
    let model = Net::new(2, &device);
    let mut pruner = config(cubic(), MaskMode::InGraph)
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let mut model = pruner
        .prune_before_training(model, batches(&device), loss)
        .unwrap();
    let fixed = kept(&pruner);
    let mut optim = adamw();
    for step in 0..10 {
        let grads = gradients(&model, step, &device);
        model = pruner.step(model, &grads).unwrap();
        model = optim.step(0.05, model, grads);
    }
    assert_eq!(kept(&pruner), fixed);
    for (value, kept) in model.effective().iter().zip(fixed) {
        assert!(kept || *value == 0.0);
    }
}

// With frozen weights nothing is masked before the only cut, so sensitivities add up over dense
// gradients; rounds take those of the masked model and end elsewhere.
#[test]
fn one_cut_after_all_rounds_differs_from_cubic_rounds_and_snip_needs_one_batch() {
    let device = devices()[0].clone().autodiff();
    let model = Net::new(2, &device);
    let pruned = |schedule: OneShotSchedule| {
        let mut pruner = config(schedule, MaskMode::InGraph)
            .init(SensitivityScorerConfig::new().init(), &model)
            .unwrap();
        pruner
            .prune_before_training(model.clone(), batches(&device), loss)
            .unwrap();
        pruner
    };
    let one_cut = pruned(OneShotSchedule::new(ROUNDS - 1, sparsity()));
    assert_eq!((one_cut.steps(), one_cut.masks().kept()), (ROUNDS, 28));
    let mut expected = vec![0.0f32; 112];
    for round in 0..ROUNDS as u64 {
        let grads = gradients(&model, round, &device);
        let weights = [&model.first.weight, &model.second.weight];
        let products = weights.map(|weight| {
            let grad: Tensor<2> = grads.get(weight.id).unwrap();
            (weight.val().inner() * grad)
                .abs()
                .try_into_vec_as::<f32>()
                .unwrap()
        });
        for (sum, product) in expected.iter_mut().zip(products.concat()) {
            *sum += product;
        }
    }
    let mut order: Vec<usize> = (0..112).collect();
    order.sort_by(|&a, &b| expected[b].total_cmp(&expected[a]));
    let best: Vec<bool> = (0..112).map(|i| order[..28].contains(&i)).collect();
    assert_eq!(kept(&one_cut), best);

    let mut rounds = config(cubic(), MaskMode::InGraph)
        .init(SensitivityScorerConfig::new().init(), &model)
        .unwrap();
    rounds
        .prune_before_training(model.clone(), batches(&device), loss)
        .unwrap();
    assert_ne!(kept(&rounds), kept(&one_cut));

    let mut snip = config(OneShotSchedule::new(0, sparsity()), MaskMode::InGraph)
        .init(SnipScorerConfig::new().init(), &model)
        .unwrap();
    snip.prune_before_training(model.clone(), batches(&device).take(1), loss)
        .unwrap();
    assert_eq!((snip.steps(), snip.masks().kept()), (1, 28));
}

#[test]
fn updated_weights_are_rewound() {
    for device in devices() {
        let device = device.autodiff();
        let model = Net::new(2, &device);
        let came = stored(&model);
        let mut frozen = config(cubic(), MaskMode::InGraph)
            .init(SevenScorerConfig::new().init(), &model)
            .unwrap();
        frozen
            .prune_before_training(model.clone(), batches(&device), loss)
            .unwrap();
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            let mut pruner = config(cubic(), mode)
                .init(SevenScorerConfig::new().init(), &model)
                .unwrap();
            let rewound = pruner
                .prune_before_training_rewound(model.clone(), batches(&device), loss, 0.1, adamw())
                .unwrap();
            assert_ne!(kept(&pruner), kept(&frozen));
            let sparse = pruner.finish(rewound).unwrap();
            for ((now, came), kept) in sparse.effective().iter().zip(&came).zip(kept(&pruner)) {
                assert_eq!(*now, if kept { *came } else { 0.0 });
            }
            let bias = |net: &Net| net.first.bias.as_ref().unwrap().val().into_data();
            bias(&sparse).assert_eq(&bias(&model), true);
        }
    }
}

#[test]
fn too_few_batches_leave_model_and_pruner_as_they_were() {
    let device = devices()[0].clone().autodiff();
    let model = Net::new(2, &device);
    let came = stored(&model);
    let mut pruner = config(cubic(), MaskMode::AfterStep)
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let before = pruner.to_record().into_bytes().unwrap().to_vec();
    let failed = pruner
        .prune_before_training(model, batches(&device).take(5), loss)
        .unwrap_err();
    let (model, error) = failed.into_parts();
    assert_eq!(
        error,
        Error::NotEnoughBatches {
            needed: 12,
            found: 5
        }
    );
    assert_eq!(
        error.to_string(),
        "the schedule needs 12 batches, but only 5 were given"
    );
    assert_eq!(stored(&model), came);
    assert_eq!(pruner.to_record().into_bytes().unwrap().to_vec(), before);
    // And it works the second time.
    let model = pruner
        .prune_before_training(model, batches(&device), loss)
        .unwrap();
    assert_eq!(
        pruner.finish(model).unwrap().effective()[..112]
            .iter()
            .filter(|v| **v != 0.0)
            .count(),
        28
    );
}

#[test]
fn the_model_is_the_same_type_and_plain_after_finish() {
    let device = devices()[0].clone().autodiff();
    let model = Net::new(2, &device);
    let mut pruner = config(cubic(), MaskMode::InGraph)
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let model = pruner
        .prune_before_training(model, batches(&device), loss)
        .unwrap();
    let sparse: Net = pruner.finish(model).unwrap();
    assert!(
        Net::new(0, &device)
            .try_load_record(sparse.into_record())
            .is_ok()
    );
}
