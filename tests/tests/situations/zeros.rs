//! What zeros of a model mean.

use burn::module::{Module, ParamGroup};
use burn_seven::{MagnitudeScorerConfig, SevenScorerConfig, Zeros};
use burn_seven_tests::model::{Net, adamw};

use super::*;

#[test]
fn a_sparse_checkpoint_that_was_loaded_before_attach_keeps_its_zeros() {
    for device in training_devices() {
        for mode in MODES {
            let model = Net::new(1, &device);
            let scorer = SevenScorerConfig::new().init();
            let mut pruner = config().with_mode(mode).init(scorer, &model).unwrap();
            assert_eq!(pruner.masks().kept(), 136);

            // Two rows of eight are zeros in the checkpoint.
            let checkpoint = with_zeros(Net::new(2, &device), 2).into_record();
            let model = model.load_record(checkpoint);
            let mut model = pruner.attach(model).unwrap();
            assert_eq!(kept(pruner.masks()), outside(2));

            let mut optim = adamw();
            for step in 0..12 {
                model = train(&mut pruner, &mut optim, model, step..step + 1, &device);
                let values = model.effective();
                assert!(values[48..64].iter().all(|value| value.to_bits() == 0));
                // The ramp starts from the 120 that were left.
                let expected = if step < 2 { 120..=120 } else { 68..=119 };
                assert!(expected.contains(&pruner.masks().kept()), "{step}");
            }
            assert_eq!(pruner.masks().kept(), 68);
            assert_eq!(pruner.report(&model).zeros_taken, 16);
        }
    }
}

#[test]
fn zeros_that_are_trained_stay_in_the_run() {
    for device in training_devices() {
        let trained = |zeros: Zeros| {
            let model = with_zeros(Net::new(1, &device), 2);
            let scorer = MagnitudeScorerConfig::new().init();
            let mut pruner = config().with_zeros(zeros).init(scorer, &model).unwrap();
            let model = pruner.attach(model).unwrap();
            let model = train(&mut pruner, &mut adamw(), model, 0..2, &device);
            let values = model.effective();
            let moved = values[48..64].iter().filter(|value| **value != 0.0).count();
            (moved, pruner.report(&model).zeros_taken)
        };
        assert_eq!(trained(Zeros::Pruned), (0, 16));
        let (moved, taken) = trained(Zeros::Trained);
        assert!(moved > 0);
        assert_eq!(taken, 0);
    }
}

#[test]
fn a_weight_of_nothing_but_zeros_is_trained_unless_all_zeros_are_pruned() {
    for device in training_devices() {
        let model = with_zeros(Net::new(1, &device), 8);
        let masks = |zeros: Zeros| {
            let scorer = SevenScorerConfig::new().init();
            let pruner = config().with_zeros(zeros).init(scorer, &model).unwrap();
            kept(pruner.masks())
        };
        assert_eq!(masks(Zeros::Pruned), outside(0));
        assert_eq!(masks(Zeros::Trained), outside(0));
        // 72 of 136 are left, more than the 68 of the target.
        assert_eq!(masks(Zeros::AllPruned), outside(8));
    }
}

#[test]
fn zeros_of_one_group_may_mean_something_else() {
    for device in training_devices() {
        let model = with_zeros(Net::new(1, &device), 2);
        let second = ParamGroup::from_paths(vec!["second.weight"]);
        let first = ParamGroup::from_paths(vec!["first.weight"]);
        let masks = |group: ParamGroup| {
            let config = config().with_zeros_in(group, Zeros::Trained);
            let scorer = SevenScorerConfig::new().init();
            kept(config.init(scorer, &model).unwrap().masks())
        };
        assert_eq!(masks(second), outside(0));
        assert_eq!(masks(first), outside(2));
    }
}
