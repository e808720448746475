//! A run that was stopped goes on from its last checkpoint as if it had not been.

use burn_seven::scorer::AnyScorer;
use burn_seven::train::WatchPruning;
use burn_seven::{
    MaskMode, MovementScorerConfig, PlatonScorerConfig, RandomScorerConfig, SevenScorerConfig,
};

use crate::{Bits, bits, device, folder, items, learner, training, wrapped, wrapped_on};

const EPOCHS: usize = 6;

/// The end of a run of [`EPOCHS`] epochs; with `stop`, of one that went further and was killed while
/// it wrote its last checkpoint, and goes on from the one before, with nothing else of the first.
fn end(scorer: &AnyScorer, mode: MaskMode, stop: Option<usize>) -> Bits {
    let folder = folder();
    let Some(epoch) = stop else {
        let model = wrapped(scorer.clone(), mode, 3);
        let training = training(&folder, EPOCHS, items()).watch_pruning(&model);
        return bits(training.launch(learner(model)).model);
    };
    let model = wrapped(scorer.clone(), mode, 3);
    let first = training(&folder, epoch + further(), items()).watch_pruning(&model);
    first.launch(learner(model));
    let next = folder.join(format!("checkpoint/model-{}.bpk", epoch + 1));
    std::fs::write(next, "killed while it was written").unwrap();

    let model = wrapped(scorer.clone(), mode, 77);
    let second = training(&folder, EPOCHS, items()).checkpoint(epoch);
    let second = second.watch_pruning(&model);
    let result = second.launch(learner(model));
    assert!(result.error.is_none(), "{:?}", result.error);
    bits(result.model)
}

/// How many epochs the first run goes on after the checkpoint that is resumed from.
///
/// Burn 0.22.1 writes checkpoints while training goes on. On CubeCL the optimizer's numbers in them
/// are then those of later, with and without a pruner, unless training is over.
fn further() -> usize {
    match burn_seven_tests::backend().as_deref() {
        Some("wgpu" | "cuda") => 0,
        _ => 1,
    }
}

fn resumes(scorer: AnyScorer, mode: MaskMode) {
    let whole = end(&scorer, mode, None);
    for epoch in 1..EPOCHS {
        assert_eq!(end(&scorer, mode, Some(epoch)), whole, "from epoch {epoch}");
    }
}

#[test]
fn seven_resumes_in_the_graph_and_after_the_step() {
    resumes(SevenScorerConfig::new().init().into(), MaskMode::InGraph);
    resumes(SevenScorerConfig::new().init().into(), MaskMode::AfterStep);
}

#[test]
fn gradient_checkpointing_changes_nothing() {
    let end = |checkpointing: bool| {
        let folder = folder();
        // Burn's trainer asks for a model on such a device, with or without a pruner.
        let device = match checkpointing {
            true => device().gradient_checkpointing(),
            false => device(),
        };
        let scorer = SevenScorerConfig::new().init().into();
        let model = wrapped_on(&device, scorer, MaskMode::InGraph, 3);
        let mut training = training(&folder, EPOCHS, items()).watch_pruning(&model);
        if checkpointing {
            training = training.gradient_checkpointing();
        }
        let result = training.launch(learner(model));
        assert!(result.error.is_none(), "{:?}", result.error);
        bits(result.model)
    };
    assert_eq!(end(true), end(false));
}

#[test]
fn movement_resumes_with_weights_that_come_back() {
    resumes(MovementScorerConfig::new().init().into(), MaskMode::InGraph);
    resumes(
        MovementScorerConfig::new().init().into(),
        MaskMode::AfterStep,
    );
}

#[test]
fn platon_resumes_with_the_stored_values_of_what_is_pruned() {
    resumes(PlatonScorerConfig::new().init().into(), MaskMode::InGraph);
}

#[test]
fn random_resumes_with_its_random_state() {
    resumes(RandomScorerConfig::new().init().into(), MaskMode::InGraph);
}
