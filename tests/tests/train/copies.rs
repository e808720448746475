//! Copies and forks of a pruned model.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn_seven::train::Pruned;
use burn_seven::{Error, MaskMode};
use burn_seven_tests::devices;
use burn_seven_tests::model::Batch;
use burn_train::TrainStep;

use crate::student::Student;
use crate::{adamw, bits, device, kept, seven, wrapped};

fn train(
    mut model: Pruned<Student>,
    optim: &mut ModuleOptimizer,
    items: std::ops::Range<u64>,
) -> Pruned<Student> {
    for item in items {
        let device = model.devices()[0].clone().autodiff();
        let output = TrainStep::step(&model, Batch::new(item, &device));
        model = model.optimize(optim, 0.02.into(), output.grads);
    }
    model
}

#[test]
fn only_the_newest_copy_can_be_trained_on() {
    let mut optim = adamw();
    let old = wrapped(seven(), MaskMode::InGraph, 3);
    let new = train(old.clone(), &mut optim, 0..4);
    let error = Error::OldCopy {
        model: 0,
        pruner: 4,
    };
    assert_eq!(old.pruner().unwrap_err(), error);
    let before = old.model().net.effective();
    let stopped = train(old, &mut optim, 4..5);
    assert_eq!(stopped.error(), Some(error));
    assert_eq!(stopped.model().net.effective(), before);
    drop(new);
}

#[test]
fn an_old_copy_is_finished_with_the_masks_that_it_had() {
    let mut optim = adamw();
    let old = train(wrapped(seven(), MaskMode::InGraph, 3), &mut optim, 0..10);
    let effective = old.model().net.effective();
    let new = train(old.clone(), &mut optim, 10..20);
    assert_ne!(new.model().net.effective(), effective);
    assert_eq!(old.finish().unwrap().net.effective(), effective);
}

#[test]
fn a_fork_goes_its_own_way_from_the_same_state() {
    for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
        let mut optim = adamw();
        let model = train(wrapped(seven(), mode, 3), &mut optim, 0..6);
        let fork = model.clone().fork(&device());
        let mut of_fork = optim.clone();
        let model = train(model, &mut optim, 6..12);
        let fork = train(fork, &mut of_fork, 6..12);
        assert_eq!(bits(fork.clone()), bits(model.clone()));
        let fork = train(fork, &mut of_fork, 12..14);
        assert_eq!(fork.pruner().unwrap().steps(), 14);
        assert_eq!(model.pruner().unwrap().steps(), 12);
    }
}

#[test]
fn a_fork_on_another_device_takes_the_pruner_along() {
    for device in devices() {
        let mut optim = adamw();
        let model = train(wrapped(seven(), MaskMode::InGraph, 3), &mut optim, 0..6);
        let masks = kept(&model.pruner().unwrap());
        let fork = model.fork(&device.clone().autodiff());
        assert_eq!(kept(&fork.pruner().unwrap()), masks);
        let fork = train(fork, &mut optim, 6..20);
        assert_eq!(fork.error(), None);
        let (model, pruner) = fork.into_parts().unwrap();
        let masks = pruner.masks().iter();
        assert!(
            masks
                .into_iter()
                .all(|mask| *mask.weight().device() == device)
        );
        assert_eq!(model.devices(), [device]);
    }
}

#[test]
fn validation_and_training_again_keep_the_pruner() {
    let mut optim = adamw();
    let model = train(wrapped(seven(), MaskMode::InGraph, 3), &mut optim, 0..6);
    let again = model.valid().train();
    let again = train(again, &mut optim, 6..8);
    assert_eq!(again.error(), None);
    assert_eq!(again.pruner().unwrap().steps(), 8);
}
