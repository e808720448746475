//! The scorers that are meant for the time before training: what they share, and who may call them.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Module, ParamGroup};
use burn::nn::{Linear, LinearConfig};
use burn::optim::AdamWConfig;
use burn::tensor::{Device, Tensor};
use burn_seven::{
    CubicSchedule, Error, ExponentialSchedule, ForceScorerConfig, GraspScorerConfig,
    IterativeSnipScorerConfig, MaskMode, ModuleScorer, NonFinitePolicy, Pruner, PrunerConfig,
    Scorer, Selection, SevenScorerConfig, Sparsity, SynflowScorerConfig,
};
use burn_seven_tests::model::{Batch, Net, adamw, gradients};
use burn_seven_tests::{devices, last_device};

const ROUNDS: usize = 6;
const MODES: [MaskMode; 2] = [MaskMode::InGraph, MaskMode::AfterStep];

fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}

fn config(mode: MaskMode) -> PrunerConfig {
    PrunerConfig::new(ExponentialSchedule::new(0..ROUNDS, sparsity(0.75)))
        .with_selection(Selection::new().without(ParamGroup::from_paths(vec!["head.weight"])))
        .with_mode(mode)
}

fn batches(device: &Device) -> impl Iterator<Item = Batch> {
    (0..).map(|step| Batch::new(step, device))
}

fn loss(model: &Net, batch: Batch) -> Tensor<1> {
    model.loss(&batch)
}

fn kept(pruner: &Pruner) -> Vec<bool> {
    let masks = pruner.masks().iter();
    masks.flat_map(|mask| mask.to_vec()).collect()
}

fn state(pruner: &Pruner) -> Vec<u8> {
    pruner.to_record().into_bytes().unwrap().to_vec()
}

/// Rounds end at the target with the weights as they came, and both modes choose the same.
fn prunes_before_training<S: Scorer>(scorer: ModuleScorer<S>) {
    for device in devices() {
        let device = device.autodiff();
        let model = Net::new(2, &device);
        let came = model.effective();
        let mut masks = Vec::new();
        for mode in MODES {
            let mut pruner = config(mode).init(scorer.clone(), &model).unwrap();
            let pruned = pruner.prune_before_training(model.clone(), batches(&device), loss);
            assert_eq!(pruner.masks().kept(), 28); // a quarter of 6·8 + 8·8
            let sparse = pruner.finish(pruned.unwrap()).unwrap();
            for ((now, came), kept) in sparse.effective().iter().zip(&came).zip(kept(&pruner)) {
                assert_eq!(*now, if kept { *came } else { 0.0 });
            }
            masks.push(kept(&pruner));
        }
        assert_eq!(masks[0], masks[1]);
    }
}

#[test]
fn iterative_snip_prunes_to_the_target() {
    prunes_before_training(IterativeSnipScorerConfig::new().init());
    prunes_before_training(IterativeSnipScorerConfig::new().with_window(2).init());
}

#[test]
fn force_prunes_to_the_target() {
    prunes_before_training(ForceScorerConfig::new().init());
    prunes_before_training(ForceScorerConfig::new().with_window(2).init());
}

#[test]
fn grasp_prunes_to_the_target() {
    prunes_before_training(GraspScorerConfig::new().init());
}

#[test]
fn synflow_prunes_to_the_target() {
    prunes_before_training(SynflowScorerConfig::new().init());
}

/// Two weights (1, 0.5), and two rounds at half sparsity with the gradients (1, 3) and (9, 1).
fn two_rounds<S: Scorer>(scorer: ModuleScorer<S>, mode: MaskMode, device: &Device) -> Vec<bool> {
    let mut model: Linear = LinearConfig::new(2, 1).with_bias(false).init(device);
    model.weight = model.weight.map(|old| {
        let values = Tensor::<2>::from_floats([[1.0], [0.5]], &old.device());
        values.require_grad()
    });
    let schedule = ExponentialSchedule::new(0..2, sparsity(0.5)).with_initial(sparsity(0.5));
    let config = PrunerConfig::new(schedule).with_mode(mode);
    let mut pruner = config.init(scorer, &model).unwrap();
    let batches = [[[1.0, 3.0]], [[9.0, 1.0]]].map(|row| Tensor::<2>::from_floats(row, device));
    let forward = |model: &Linear, batch: Tensor<2>| model.forward(batch).sum();
    pruner
        .prune_before_training(model, batches, forward)
        .unwrap();
    kept(&pruner)
}

// |w · g| is (1, 1.5), so the first weight goes. Then it is 9 for the dense weight, more than the
// other's 0.5: with FORCE it is back. Iterative SNIP sees it as 0.
#[test]
fn a_pruned_weight_returns_with_force_but_not_with_iterative_snip() {
    for device in devices() {
        let device = device.autodiff();
        for mode in MODES {
            let force = ForceScorerConfig::new().init();
            assert_eq!(two_rounds(force, mode, &device), [true, false]);
            let snip = IterativeSnipScorerConfig::new().init();
            assert_eq!(two_rounds(snip, mode, &device), [false, true]);
        }
    }
}

/// A step in the window is refused, before it and after it is not.
fn refuses_steps<S: Scorer>(scorer: ModuleScorer<S>, expected: &str) {
    let device = last_device().autodiff();
    for mode in MODES {
        let model = Net::new(2, &device);
        let window = CubicSchedule::new(1..ROUNDS, sparsity(0.75));
        let config = PrunerConfig::new(window).with_mode(mode);
        let mut pruner = config.init(scorer.clone(), &model).unwrap();
        let attached = pruner.attach(model).unwrap();
        let warmed = pruner.step(attached, &gradients(&Net::new(2, &device), 0, &device));
        let model = warmed.unwrap();
        let before = (state(&pruner), model.effective());
        let grads = gradients(&model, 1, &device);
        let (model, error) = pruner.step(model, &grads).unwrap_err().into_parts();
        assert!(matches!(error, Error::OtherGradient { .. }));
        assert_eq!(error.to_string(), expected);
        assert_eq!((state(&pruner), model.effective()), before);

        let mut model = pruner
            .prune_before_training(model, batches(&device), loss)
            .unwrap();
        let (fixed, mut optim) = (kept(&pruner), adamw());
        for step in 0..3 {
            let grads = gradients(&model, step, &device);
            model = pruner.step(model, &grads).unwrap();
            model = optim.step(0.05, model, grads);
            model = pruner.after_step(model).unwrap();
        }
        assert_eq!(kept(&pruner), fixed);
    }
}

#[test]
fn steps_with_the_gradient_of_the_loss_are_refused_where_another_is_needed() {
    refuses_steps(
        GraspScorerConfig::new().init(),
        "the scorer grasp needs the Hessian-gradient product, not the gradient of the loss: let \
         Pruner::prune_before_training compute it",
    );
    refuses_steps(
        SynflowScorerConfig::new().init(),
        "the scorer synflow needs the gradient at absolute weights, not the gradient of the loss: \
         let Pruner::prune_before_training compute it",
    );
}

#[test]
fn weights_are_updated_by_the_loss_and_rewound_or_the_scorer_has_none() {
    let device = last_device().autodiff();
    for mode in MODES {
        let model = Net::new(2, &device);
        let came = model.effective();
        let grasp = GraspScorerConfig::new().init();
        let mut frozen = config(mode).init(grasp.clone(), &model).unwrap();
        frozen
            .prune_before_training(model.clone(), batches(&device), loss)
            .unwrap();
        let mut pruner = config(mode).init(grasp, &model).unwrap();
        let rewound = pruner
            .prune_before_training_rewound(model.clone(), batches(&device), loss, 0.1, adamw())
            .unwrap();
        assert_ne!(kept(&pruner), kept(&frozen));
        let sparse = pruner.finish(rewound).unwrap();
        for ((now, came), kept) in sparse.effective().iter().zip(&came).zip(kept(&pruner)) {
            assert_eq!(*now, if kept { *came } else { 0.0 });
        }

        let synflow = SynflowScorerConfig::new().init();
        let mut pruner = config(mode).init(synflow, &model).unwrap();
        let before = state(&pruner);
        let failed =
            pruner.prune_before_training_rewound(model, batches(&device), loss, 0.1, adamw());
        let (model, error) = failed.unwrap_err().into_parts();
        assert!(matches!(
            error,
            Error::OtherGradient {
                scorer: "synflow",
                ..
            }
        ));
        assert_eq!((state(&pruner), model.effective()), (before, came));
    }
}

/// A batch that makes the gradient NaN.
fn spoiled(batches: impl Iterator<Item = Batch>) -> impl Iterator<Item = Batch> {
    batches.enumerate().map(|(round, mut batch)| {
        if round == 1 {
            batch.targets = batch.targets.mul_scalar(f32::NAN);
        }
        batch
    })
}

#[test]
fn a_round_that_is_not_finite_is_an_error_or_skipped() {
    let device = last_device().autodiff();
    let model = Net::new(2, &device);
    for mode in MODES {
        let grasp = GraspScorerConfig::new().init();
        let mut pruner = config(mode).init(grasp.clone(), &model).unwrap();
        let before = state(&pruner);
        let failed = pruner
            .prune_before_training(model.clone(), spoiled(batches(&device)), loss)
            .unwrap_err();
        let expected = "the gradient of weight first.weight holds a NaN or infinite value";
        assert_eq!(failed.to_string(), expected);
        assert_eq!(state(&pruner), before);

        let config = config(mode).with_non_finite(NonFinitePolicy::Skip);
        let mut pruner = config.init(grasp, &model).unwrap();
        let pruned = pruner
            .prune_before_training(model.clone(), spoiled(batches(&device)), loss)
            .unwrap();
        assert_eq!(pruner.report(&pruned).skipped_steps, 1);
        assert_eq!(pruner.masks().kept(), 28);
    }
}

// NaN in one optimizer step would be in all weights, and all later rounds, after it.
#[test]
fn a_skipped_round_is_left_out_of_rewound_weights_too() {
    let device = last_device().autodiff();
    let model = Net::new(2, &device);
    for mode in MODES {
        let config = config(mode).with_non_finite(NonFinitePolicy::Skip);
        let seven = SevenScorerConfig::new().init();
        let mut pruner = config.init(seven, &model).unwrap();
        let optimizer = AdamWConfig::new().init();
        let spoiled = spoiled(batches(&device));
        let pruned = pruner
            .prune_before_training_rewound(model.clone(), spoiled, loss, 0.01, optimizer)
            .unwrap();
        assert_eq!(pruner.report(&pruned).skipped_steps, 1);
    }
}

#[test]
fn rounds_that_are_never_finite_end_with_an_error() {
    let device = last_device().autodiff();
    let model = Net::new(2, &device);
    for mode in MODES {
        let config = config(mode).with_non_finite(NonFinitePolicy::Skip);
        let grasp = GraspScorerConfig::new().init();
        let mut pruner = config.init(grasp, &model).unwrap();
        let before = state(&pruner);
        let batch = batches(&device).next().unwrap();
        let nan = std::iter::repeat(Batch {
            targets: batch.targets.clone().mul_scalar(f32::NAN),
            ..batch
        });
        let failed = pruner
            .prune_before_training(model.clone(), nan, loss)
            .unwrap_err();
        assert!(
            matches!(failed.error(), Error::NothingScored { .. }),
            "{failed}"
        );
        assert_eq!(state(&pruner), before);
    }
}

#[test]
fn weights_without_a_gradient_are_named() {
    let device = last_device().autodiff();
    let frozen = Net::new(2, &device).freeze();
    let refused = |result: Result<Net, burn_seven::Failed<Net>>| {
        let failed = result.unwrap_err();
        assert!(matches!(failed.error(), Error::MissingGradient { .. }));
    };
    for mode in MODES {
        let grasp = GraspScorerConfig::new().init();
        let mut pruner = config(mode).init(grasp, &frozen).unwrap();
        refused(pruner.prune_before_training(frozen.clone(), batches(&device), loss));
        let synflow = SynflowScorerConfig::new().init();
        let mut pruner = config(mode).init(synflow, &frozen).unwrap();
        refused(pruner.prune_before_training(frozen.clone(), batches(&device), loss));
    }
}

#[test]
fn only_grasp_takes_more_than_one_pass_a_batch() {
    let device = last_device().autodiff();
    let model = Net::new(2, &device);
    let calls = |pruner: Result<Pruner, Error>| {
        let mut calls = 0;
        let count = |model: &Net, batch: Batch| {
            calls += 1;
            model.loss(&batch)
        };
        let mut pruner = pruner.unwrap();
        pruner
            .prune_before_training(model.clone(), batches(&device), count)
            .unwrap();
        calls
    };
    let config = || config(MaskMode::InGraph);
    assert_eq!(
        calls(config().init(SevenScorerConfig::new().init(), &model)),
        ROUNDS
    );
    assert_eq!(
        calls(config().init(SynflowScorerConfig::new().init(), &model)),
        ROUNDS
    );
    assert_eq!(
        calls(config().init(GraspScorerConfig::new().init(), &model)),
        3 * ROUNDS
    );
}
