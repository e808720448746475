//! Copies of a model from another step, and ends that come early.

use burn_seven::{Error, SevenScorerConfig};
use burn_seven_tests::model::{Net, adamw, gradients};

use super::*;

fn zeros(model: &Net) -> Vec<bool> {
    let values = model.effective();
    values.iter().map(|value| *value != 0.0).collect()
}

#[test]
fn finishing_an_earlier_copy_keeps_the_masks_of_that_copy() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let scorer = SevenScorerConfig::new().init();
        let mut pruner = config().init(scorer, &model).unwrap();
        let mut optim = adamw();
        let model = pruner.attach(model).unwrap();
        let copy = train(&mut pruner, &mut optim, model, 0..5, &device);
        let then = kept(pruner.masks());
        let model = train(&mut pruner, &mut optim, copy.clone(), 5..10, &device);
        let now = kept(pruner.masks());
        assert_ne!(then, now);
        assert_eq!(zeros(&pruner.finish(copy).unwrap()), then);
        assert_eq!(zeros(&pruner.finish(model).unwrap()), now);
    }
}

#[test]
fn a_step_with_an_earlier_copy_is_refused() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let scorer = SevenScorerConfig::new().init();
        let mut pruner = config().init(scorer, &model).unwrap();
        let mut optim = adamw();
        let model = pruner.attach(model).unwrap();
        let copy = train(&mut pruner, &mut optim, model, 0..5, &device);
        let model = train(&mut pruner, &mut optim, copy.clone(), 5..7, &device);

        let before = (kept(pruner.masks()), pruner.steps());
        let grads = gradients(&copy, 7, &device);
        let (_, error) = pruner.step(copy, &grads).unwrap_err().into_parts();
        assert!(matches!(error, Error::OtherMasks { .. }), "{error}");
        assert_eq!((kept(pruner.masks()), pruner.steps()), before);
        // The right model goes on.
        let model = train(&mut pruner, &mut optim, model, 7..10, &device);
        assert_eq!(zeros(&pruner.finish(model).unwrap()), kept(pruner.masks()));
    }
}

#[test]
fn with_masks_after_the_step_an_earlier_copy_cannot_be_finished() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let scorer = SevenScorerConfig::new().init();
        let config = config().with_mode(MaskMode::AfterStep);
        let mut pruner = config.init(scorer, &model).unwrap();
        let mut optim = adamw();
        let model = pruner.attach(model).unwrap();
        let copy = train(&mut pruner, &mut optim, model, 0..5, &device);
        let model = train(&mut pruner, &mut optim, copy.clone(), 5..10, &device);
        let (copy, error) = pruner.finish(copy).unwrap_err().into_parts();
        assert!(matches!(error, Error::OtherMasks { .. }), "{error}");
        assert!(zeros(&copy) != kept(pruner.masks()));
        assert!(pruner.finish(model).is_ok());
    }
}

#[test]
fn finishing_before_the_end_of_the_window_has_to_be_said() {
    for device in training_devices() {
        for mode in MODES {
            let model = Net::new(1, &device);
            let scorer = SevenScorerConfig::new().init();
            let mut pruner = config().with_mode(mode).init(scorer, &model).unwrap();
            let model = pruner.attach(model).unwrap();
            let model = train(&mut pruner, &mut adamw(), model, 0..7, &device);
            let share = pruner.masks().sparsity();
            let (model, error) = pruner.finish(model).unwrap_err().into_parts();
            let expected = Error::Unfinished {
                steps: 7,
                end: 10,
                sparsity: share,
                target: 0.5,
            };
            assert_eq!(error, expected);
            assert!(share > 0.0 && share < 0.5, "{share}");
            let sparse = pruner.finish_early(model).unwrap();
            assert_eq!(zeros(&sparse), kept(pruner.masks()));
        }
    }
}

#[test]
fn with_masks_after_the_step_an_earlier_copy_cannot_go_on() {
    for device in training_devices() {
        // While masks change, and after the last of them.
        for until in [7, 12] {
            let model = Net::new(1, &device);
            let scorer = SevenScorerConfig::new().init();
            let config = config().with_mode(MaskMode::AfterStep);
            let mut pruner = config.init(scorer, &model).unwrap();
            let mut optim = adamw();
            let model = pruner.attach(model).unwrap();
            let copy = train(&mut pruner, &mut optim, model, 0..3, &device);
            let model = train(&mut pruner, &mut optim, copy.clone(), 3..until, &device);
            let grads = gradients(&copy, until, &device);
            let (_, error) = pruner.step(copy, &grads).unwrap_err().into_parts();
            assert!(matches!(error, Error::OtherMasks { .. }), "{error}");
            // The right model goes on.
            train(&mut pruner, &mut optim, model, until..until + 1, &device);
        }
    }
}
