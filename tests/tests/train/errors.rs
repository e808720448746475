//! What the pruner refuses stops the training, with its message.

use burn::module::Module;
use burn_seven::train::WatchPruning;
use burn_seven::train::Wrap;
use burn_seven::{Error, MaskMode, NonFinitePolicy};

use crate::student::{POISON, Student};
use crate::{config, device, folder, items, learner, seven, training, wrapped};

const MESSAGE: &str = "net.first.weight";

#[test]
fn a_batch_of_nan_stops_training_with_the_pruners_message() {
    let folder = folder();
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let training = training(&folder, 3, vec![0, 1, 2, 3, POISON, 5]).watch_pruning(&model);
    let result = training.launch(learner(model));
    let error = result
        .error
        .expect("an error should stop training")
        .to_string();
    assert!(error.contains("NaN") && error.contains(MESSAGE), "{error}");
    assert_eq!(result.interrupted, None);
    // Stopped in the first epoch, at the fifth item.
    assert!(!folder.join("checkpoint/model-1.bpk").exists());
    assert!(matches!(
        result.model.into_parts(),
        Err(Error::NonFinite { .. })
    ));
}

#[test]
fn without_watching_the_model_is_not_trained_on_and_gives_the_error_at_the_end() {
    let folder = folder();
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let training = training(&folder, 2, vec![0, 1, 2, 3, POISON, 5]);
    let result = training.launch(learner(model));
    assert!(result.error.is_none());
    assert!(matches!(
        result.model.error(),
        Some(Error::NonFinite { .. })
    ));
    assert!(matches!(
        result.model.clone().finish(),
        Err(Error::NonFinite { .. })
    ));
    // As after the fourth step of the first epoch.
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    let folder = crate::folder();
    let four = self::training(&folder, 1, vec![0, 1, 2, 3]).launch(learner(model));
    let effective = four.model.model().net.effective();
    assert_eq!(result.model.model().net.effective(), effective);
}

#[test]
fn a_batch_of_nan_that_may_be_skipped_does_not_stop_training() {
    let folder = folder();
    let model = Student::new(3, &device());
    let pruner = config().with_non_finite(NonFinitePolicy::Skip);
    let model = pruner.init(seven(), &model).unwrap().wrap(model).unwrap();
    let training = training(&folder, 4, vec![0, 1, 2, 3, POISON, 5]).watch_pruning(&model);
    let result = training.launch(learner(model));
    assert!(result.error.is_none(), "{:?}", result.error);
    let (model, pruner) = result.model.into_parts().unwrap();
    assert_eq!(pruner.report(&model).skipped_steps, 4);
    assert!(model.net.effective().into_iter().all(f32::is_finite));
}

#[test]
fn a_checkpoint_that_does_not_fit_stops_training_before_its_first_step() {
    let folder = folder();
    let model = wrapped(seven(), MaskMode::InGraph, 3);
    training(&folder, 2, items()).launch(learner(model));

    let model = wrapped(seven(), MaskMode::AfterStep, 3);
    let training = training(&folder, 4, items()).checkpoint(2);
    let training = training.watch_pruning(&model);
    let before = model.model().net.effective();
    let result = training.launch(learner(model));
    let error = result
        .error
        .expect("an error should stop training")
        .to_string();
    assert!(error.contains("the record's pruner's mode"), "{error}");
    assert_eq!(result.model.model().net.effective(), before);
}

#[test]
fn a_failed_run_goes_on_once_a_good_record_is_loaded() {
    let good = wrapped(seven(), MaskMode::InGraph, 3);
    let record = good.into_record();
    let bad = wrapped(seven(), MaskMode::AfterStep, 3).load_record(record.clone());
    assert!(bad.error().is_some());
    let own = wrapped(seven(), MaskMode::AfterStep, 3).into_record();
    assert_eq!(bad.load_record(own).error(), None);
}
