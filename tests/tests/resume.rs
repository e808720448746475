//! A run stopped at any step and resumed from disk goes on bit for bit.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Device;
use burn_seven::scorer::Scorer;
use burn_seven::{
    CubicSchedule, MaskMode, Masks, ModuleScorer, MovementScorerConfig, PlatonScorerConfig, Pruner,
    PrunerConfig, PrunerRecord, RandomScorerConfig, SevenScorerConfig, Sparsity,
};
use burn_seven_tests::devices;
use burn_seven_tests::model::{Net, adamw, gradients};

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
    let scores = pruner.scores();
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
        let mut model = pruning.attach(model);
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
                model = pruning.attach(fresh).load_record(record);
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
fn masks_alone_go_to_disk_and_back() {
    for device in devices() {
        let device = device.autodiff();
        let model = Net::new(3, &device);
        let mut pruning = pruner(SevenScorerConfig::new().init(), MaskMode::InGraph, &model);
        let mut model = pruning.attach(model);
        for step in 0..STEPS {
            let grads = gradients(&model, step, &device);
            model = pruning.step(model, &grads).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("masks.bpk");
        pruning.masks().save(&file).unwrap();
        let masks = Masks::load(&file, &device).unwrap();
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
