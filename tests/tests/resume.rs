//! A run stopped at any step and resumed from disk goes on bit for bit.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Module, ParamGroup};
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use burn_seven::scorer::Scorer;
use burn_seven::{
    CubicSchedule, MaskMode, ModuleScorer, MovementScorerConfig, PlatonScorerConfig, Pruner,
    PrunerConfig, PrunerRecord, RandomScorerConfig, Selection, SevenScorerConfig, Sparsity,
};
use burn_seven_tests::model::{Net, adamw, gradients};
use burn_seven_tests::{cases, devices, last_device};
use proptest::prelude::*;

const STEPS: u64 = 14;

fn pruner<S: Scorer>(scorer: ModuleScorer<S>, mode: MaskMode, model: &Net) -> Pruner {
    let schedule = CubicSchedule::new(2..11, Sparsity::new(0.85).unwrap()).with_interval(2);
    PrunerConfig::new(schedule)
        .with_mode(mode)
        .init(scorer, model)
        .unwrap()
}

fn bits(model: &Net, pruner: &Pruner) -> (Vec<u32>, Vec<bool>, Vec<u32>) {
    let weights = [
        &model.first.weight,
        &model.second.weight,
        &model.head.weight,
    ];
    let stored = weights
        .map(|weight| weight.base().try_into_vec_as::<f32>().unwrap())
        .concat();
    let masks = pruner
        .masks()
        .iter()
        .flat_map(|mask| mask.to_vec())
        .collect();
    let scores = pruner.scores().unwrap();
    let scores = scores
        .iter()
        .flat_map(|score| score.value().try_to_vec_as::<f32>().unwrap());
    (
        stored.into_iter().map(f32::to_bits).collect(),
        masks,
        scores.map(f32::to_bits).collect(),
    )
}

fn resumes<S: Scorer>(scorer: ModuleScorer<S>, mode: MaskMode, device: &Device) {
    let device = device.clone().autodiff();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let run = |stop: Option<u64>| {
        let model = Net::new(3, &device);
        let mut pruning = pruner(scorer.clone(), mode, &model);
        let mut model = pruning.attach(model).unwrap();
        let mut optim = adamw();
        for step in 0..STEPS {
            if stop == Some(step) {
                // Everything goes to disk; another process would start from here.
                model.save_file(file("model.bpk")).unwrap();
                optim.save(file("optim.bpk")).unwrap();
                pruning.to_record().save(file("pruner.bpk")).unwrap();

                let fresh = Net::new(77, &device);
                pruning = pruner(scorer.clone(), mode, &fresh);
                pruning
                    .load_record(PrunerRecord::load(file("pruner.bpk")).unwrap())
                    .unwrap();
                let record = ModuleRecord::load(file("model.bpk")).unwrap();
                model = pruning.attach(fresh).unwrap().load_record(record);
                optim = adamw().load(file("optim.bpk")).unwrap();
            }
            let grads = gradients(&model, step, &device);
            model = pruning.step(model, &grads).unwrap();
            model = optim.step(0.02, model, grads);
            model = pruning.after_step(model).unwrap();
        }
        bits(&model, &pruning)
    };
    let whole = run(None);
    for stop in 0..STEPS {
        let resumed = run(Some(stop));
        assert_eq!(whole.1, resumed.1, "masks, stopped before step {stop}");
        assert_eq!(whole.2, resumed.2, "scores, stopped before step {stop}");
        assert_eq!(whole.0, resumed.0, "weights, stopped before step {stop}");
    }
}

#[test]
fn seven_resumes_bit_for_bit_with_masks_in_the_graph() {
    for device in devices() {
        resumes(SevenScorerConfig::new().init(), MaskMode::InGraph, &device);
    }
}

#[test]
fn seven_resumes_bit_for_bit_with_masks_after_the_step() {
    for device in devices() {
        resumes(
            SevenScorerConfig::new().init(),
            MaskMode::AfterStep,
            &device,
        );
    }
}

#[test]
fn platon_resumes_in_the_middle_of_a_window() {
    for device in devices() {
        for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
            resumes(
                PlatonScorerConfig::new().with_window(3).init(),
                mode,
                &device,
            );
        }
    }
}

#[test]
fn movement_and_random_resume_bit_for_bit() {
    for device in devices() {
        resumes(
            MovementScorerConfig::new().init(),
            MaskMode::InGraph,
            &device,
        );
        resumes(
            RandomScorerConfig::new().with_seed(5).init(),
            MaskMode::AfterStep,
            &device,
        );
    }
}

#[test]
fn a_selection_by_id_survives_loading_the_model() {
    let device = devices()[0].clone().autodiff();
    let by_id = |model: &Net| {
        let head = ParamGroup::ids_from_module(model.head.clone());
        let schedule = CubicSchedule::new(0..4, Sparsity::new(0.5).unwrap());
        PrunerConfig::new(schedule)
            .with_selection(Selection::new().without(head))
            .init(SevenScorerConfig::new().init(), model)
            .unwrap()
    };
    let model = Net::new(3, &device);
    let mut first = by_id(&model);
    let mut model = first.attach(model).unwrap();
    model = first
        .step(model.clone(), &gradients(&model, 0, &device))
        .unwrap();
    let (weights, state) = (model.into_record(), first.to_record());

    let fresh = Net::new(4, &device);
    let mut second = by_id(&fresh);
    second.load_record(state).unwrap();
    let mut model = second.attach(fresh).unwrap().load_record(weights);
    for step in 1..4 {
        model = second
            .step(model.clone(), &gradients(&model, step, &device))
            .unwrap();
    }
    assert_eq!(second.masks().kept(), 56); // half of 6·8 + 8·8
}

/// Masks attached before the pruner's record is loaded are brought up to date by the next step.
#[test]
fn masks_attached_before_loading_are_replaced() {
    let device = last_device().autodiff();
    let model = Net::new(3, &device);
    let mut first = pruner(SevenScorerConfig::new().init(), MaskMode::InGraph, &model);
    let mut trained = first.attach(model.clone()).unwrap();
    for step in 0..STEPS {
        trained = first
            .step(trained.clone(), &gradients(&trained, step, &device))
            .unwrap();
    }
    let mut second = pruner(SevenScorerConfig::new().init(), MaskMode::InGraph, &model);
    let attached = second.attach(model).unwrap();
    second.load_record(first.to_record()).unwrap();
    let stepped = second
        .step(attached.clone(), &gradients(&attached, 0, &device))
        .unwrap();
    assert_eq!(stepped.effective(), trained.effective());
    let finished = second.finish_early(stepped).unwrap();
    assert_eq!(finished.effective(), trained.effective());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(25)))]

    /// A record holds everything: written, read and written again it is the same, byte for byte.
    #[test]
    fn records_round_trip(seed in any::<u64>(), steps in 0u64..12, after in any::<bool>()) {
        let device = devices()[0].clone().autodiff();
        let mode = if after { MaskMode::AfterStep } else { MaskMode::InGraph };
        let scorer = || PlatonScorerConfig::new().with_window(2).init();
        let model = Net::new(seed, &device);
        let mut first = pruner(scorer(), mode, &model);
        let mut trained = first.attach(model).unwrap();
        let mut optim = adamw();
        for step in 0..steps {
            let grads = gradients(&trained, step, &device);
            trained = first.step(trained, &grads).unwrap();
            trained = optim.step(0.02, trained, grads);
            trained = first.after_step(trained).unwrap();
        }
        let written = first.to_record().into_bytes().unwrap();
        let mut second = pruner(scorer(), mode, &Net::new(0, &device));
        let record = PrunerRecord::from_bytes(Bytes::from_bytes_vec(written.to_vec())).unwrap();
        second.load_record(record).unwrap();
        prop_assert_eq!(second.to_record().into_bytes().unwrap().to_vec(), written.to_vec());
    }
}

#[test]
fn masks_alone_go_to_disk_and_back() {
    for device in devices() {
        let device = device.autodiff();
        let model = Net::new(3, &device);
        let mut pruning = pruner(SevenScorerConfig::new().init(), MaskMode::InGraph, &model);
        let mut model = pruning.attach(model).unwrap();
        for step in 0..STEPS {
            let grads = gradients(&model, step, &device);
            model = pruning.step(model, &grads).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("masks.bpk");
        burn_seven::sparse::save_masks(pruning.masks(), &file).unwrap();
        let masks = burn_seven::sparse::load_masks(&file, &device).unwrap();
        assert_eq!(masks.len(), 3);
        assert_eq!(masks.kept(), pruning.masks().kept());
        for (loaded, mask) in masks.iter().zip(pruning.masks().iter()) {
            assert_eq!((loaded.path(), loaded.shape()), (mask.path(), mask.shape()));
            assert_eq!(loaded.to_vec(), mask.to_vec());
        }
        // On a fresh dense model they give the same zeros.
        let sparse = masks.apply(Net::new(3, &device)).unwrap();
        assert_eq!(
            sparse.effective(),
            pruning.finish(model).unwrap().effective()
        );
    }
}
