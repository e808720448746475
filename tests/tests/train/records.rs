//! Checkpoints with and without a pruner, in models with and without one.

use burn::module::Module;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use burn_seven::train::{WatchPruning, Wrap};
use burn_seven::{CubicSchedule, MaskMode, PrunerConfig, SevenScorerConfig};
use burn_seven_tests::model::Batch;
use burn_train::TrainStep;

use crate::student::Student;
use crate::{
    adamw, bits, bytes, config, device, folder, items, kept, learner, seven, sparsity, training,
    wrapped,
};

fn record(bytes: Vec<u8>) -> ModuleRecord {
    ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes)).unwrap()
}

#[test]
fn a_checkpoint_without_pruning_starts_a_pruned_run() {
    let folder = folder();
    let plain = Student::new(3, &device());
    let plain = training(&folder, 2, items()).launch(learner(plain)).model;

    let fresh = wrapped(seven(), MaskMode::InGraph, 77);
    let loaded = fresh.load_record(plain.clone().into_record());
    assert_eq!(loaded.model().net.effective(), plain.net.effective());
    assert_eq!(loaded.pruner().unwrap().steps(), 0);

    let model = wrapped(seven(), MaskMode::InGraph, 77);
    let training = training(&folder, 8, items()).checkpoint(2);
    let training = training.watch_pruning(&model);
    let result = training.launch(learner(model));
    assert!(result.error.is_none(), "{:?}", result.error);
    let model = result.model.finish().unwrap();
    let zeros = model
        .net
        .effective()
        .into_iter()
        .filter(|weight| *weight == 0.0);
    // 6·8 + 8·8 + 8·3 = 136 weights, of which floor(0.2 · 136) = 27 stay.
    assert_eq!(zeros.count(), 136 - 27);
}

#[test]
fn the_zeros_of_a_plain_checkpoint_are_kept() {
    let mut plain = Student::new(3, &device());
    plain.net.second.weight = plain.net.second.weight.map(|weight| {
        let mask = weight.clone().without_autodiff().greater_scalar(0.0);
        weight
            .without_autodiff()
            .mask_fill(mask, 0.0)
            .autodiff()
            .require_grad()
    });
    let zeros = |model: &Student| {
        let weights = model.net.effective().into_iter();
        weights.filter(|weight| *weight == 0.0).count()
    };
    let expected = zeros(&plain);
    assert!(expected > 20);
    let pruned = wrapped(seven(), MaskMode::InGraph, 77).load_record(plain.into_record());
    let pruner = pruned.pruner().unwrap();
    assert_eq!(pruner.masks().total() - pruner.masks().kept(), expected);
}

#[test]
fn a_finished_checkpoint_loads_into_the_plain_model() {
    let folder = folder();
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let training = training(&folder, 6, items()).watch_pruning(&model);
    let pruned = training.launch(learner(model)).model.finish().unwrap();

    let file = folder.join("checkpoint/model-6.bpk");
    let load = || ModuleRecord::load(&file).unwrap();
    let plain = Student::new(77, &device());
    let loaded = plain
        .clone()
        .try_load_record(load().allow_unused(true))
        .unwrap();
    assert_eq!(loaded.net.effective(), pruned.net.effective());
    // Burn says by itself that there is more in the file.
    let refused = plain.try_load_record(load()).unwrap_err();
    let expected = r#"Unused tensors: ["burn-seven.length", "burn-seven.state"]"#;
    assert_eq!(refused, RecordError::Validation(expected.to_string()));
}

#[test]
fn a_record_in_memory_holds_the_whole_run() {
    for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
        let mut optim = adamw();
        let mut model = wrapped(seven(), mode, 3);
        for item in 0..9 {
            let output = TrainStep::step(&model, Batch::new(item, &device()));
            model = model.optimize(&mut optim, 0.02.into(), output.grads);
        }
        let loaded = wrapped(seven(), mode, 77).load_record(record(bytes(model.clone())));
        assert_eq!(loaded.pruner().unwrap().steps(), 9);
        assert_eq!(bits(loaded), bits(model));
    }
}

#[test]
fn a_record_of_another_schedule_is_refused_with_both_values() {
    let model = Student::new(3, &device());
    let schedule = CubicSchedule::new(2..30, sparsity(0.8)).with_interval(2);
    let pruner = PrunerConfig::new(schedule).init(SevenScorerConfig::new().init(), &model);
    let other = pruner.unwrap().wrap(model).unwrap();
    let error = wrapped(seven(), MaskMode::InGraph, 3)
        .try_load_record(record(bytes(other)))
        .unwrap_err()
        .to_string();
    assert!(error.contains("the record's schedule's"), "{error}");
    assert!(error.contains("30") && error.contains("18"), "{error}");
}

#[test]
fn a_record_of_another_model_is_refused() {
    #[derive(Module, Debug)]
    struct Small {
        layer: burn::nn::Linear,
    }
    let small = |inputs| {
        let layer = burn::nn::LinearConfig::new(inputs, 4).init(&device());
        let model = Small { layer };
        config().init(seven(), &model).unwrap().wrap(model).unwrap()
    };
    let error = small(6)
        .try_load_record(small(5).into_record())
        .unwrap_err();
    assert!(error.to_string().contains("layer.weight: shape mismatch"));
}

#[test]
fn a_damaged_state_is_an_error_and_no_panic() {
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let good = bytes(model.clone());
    let marker = b"burn-seven pruner";
    let place = good.windows(marker.len()).position(|bytes| bytes == marker);
    let place = place.unwrap();
    let mut refused = 0;
    for shift in 0..400 {
        let mut bad = good.clone();
        let position = (place + shift).saturating_sub(200);
        bad[position] ^= 0x55;
        let Ok(record) = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bad)) else {
            continue;
        };
        refused += usize::from(model.clone().try_load_record(record).is_err());
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn an_old_copy_is_saved_as_a_plain_model_with_its_zeros() {
    let mut optim = adamw();
    let mut model = wrapped(seven(), MaskMode::InGraph, 3);
    let mut copy = None;
    for item in 0..20 {
        if item == 10 {
            copy = Some(model.clone());
        }
        let output = TrainStep::step(&model, Batch::new(item, &device()));
        model = model.optimize(&mut optim, 0.02.into(), output.grads);
    }
    let copy = copy.unwrap();
    let effective = copy.model().net.effective();
    assert!(effective.contains(&0.0));
    let plain = Student::new(77, &device()).load_record(record(bytes(copy)));
    assert_eq!(plain.net.effective(), effective);
    assert!(kept(&model.pruner().unwrap()).contains(&false));
}
