//! A run that goes on longer than it was planned.

use burn_seven::{Error, RandomScorerConfig, SevenScorerConfig};
use burn_seven_tests::model::{Net, adamw};

use super::*;

#[test]
fn a_record_goes_on_on_a_longer_schedule_where_that_is_said() {
    for device in training_devices() {
        for mode in MODES {
            let start = |schedule: CubicSchedule, model: &Net| {
                let config = PrunerConfig::new(schedule).with_mode(mode);
                config.init(SevenScorerConfig::new().init(), model).unwrap()
            };
            let short = CubicSchedule::new(0..6, sparsity(0.5));
            let long = CubicSchedule::new(0..12, sparsity(0.8));
            let model = Net::new(1, &device);
            let mut first = start(short, &model);
            let mut optim = adamw();
            let model = first.attach(model).unwrap();
            let model = train(&mut first, &mut optim, model, 0..6, &device);
            let record = first.to_record();
            let (masks, values) = (kept(first.masks()), model.effective());
            let model = first.finish(model).unwrap();

            let mut second = start(long.clone(), &model);
            let error = second.load_record(record.clone()).unwrap_err();
            let what = match &error {
                Error::RecordMismatch { what, .. } => what.as_str(),
                other => panic!("{other}"),
            };
            assert!(what.contains("schedule"), "{what}");
            assert_eq!(second.steps(), 0);

            second
                .load_record(record.clone().with_schedule(&long).unwrap())
                .unwrap();
            let over = CubicSchedule::new(0..6, sparsity(0.8));
            assert!(record.with_schedule(&over).is_err());
            assert_eq!((second.steps(), second.is_finished()), (6, false));
            assert_eq!(kept(second.masks()), masks);
            assert_eq!(scores(&first), scores(&second));
            let model = second.attach(model).unwrap();
            assert_eq!(model.effective(), values);
            let model = train(&mut second, &mut optim, model, 6..12, &device);
            let now = kept(second.masks());
            assert_eq!(second.masks().kept(), 27); // a fifth of 136
            assert!(masks.iter().zip(&now).all(|(before, now)| *before || !now));
            assert!(second.finish(model).is_ok());
        }
    }
}

// Seeds that float64 cannot tell apart, on a schedule of a hundred million steps.
#[test]
fn seeds_are_compared_to_the_last_bit() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let start = |seed: u64| {
            let config = PrunerConfig::new(CubicSchedule::new(0..100_000_000, sparsity(0.5)));
            let scorer = RandomScorerConfig::new().with_seed(seed);
            config.init(scorer.init(), &model).unwrap()
        };
        let large = 1 << 53;
        let mut pruner = start(large);
        let error = pruner
            .load_record(start(large + 1).to_record())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the record's scorer's seed is 9007199254740993, but 9007199254740992 was expected"
        );
        pruner.load_record(start(large).to_record()).unwrap();
    }
}
