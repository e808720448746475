//! Weights that grow, a sparse start, and values that make up for what goes.

use burn::module::ParamId;
use burn::optim::GradientsParams;
use burn_pack::Reader;
use burn_seven::compensation::KeepSums;
use burn_seven::{
    ConstantSchedule, DropAndGrow, ErkBudget, Error, MagnitudeScorerConfig, NonFinitePolicy,
    OneShotSchedule, RiglScorerConfig, SevenScorerConfig,
};
use burn_seven_tests::model::{Batch, Net, adamw, gradients};

use super::*;

fn half() -> ConstantSchedule {
    ConstantSchedule::new(0..12, sparsity(0.5)).with_interval(4)
}

fn rigl() -> PrunerConfig {
    PrunerConfig::new(half())
        .with_sparse_start(7)
        .with_drop_and_grow(DropAndGrow::new())
}

/// The optimizer's numbers of each entry of a parameter, one list a statistic.
fn statistics(optim: &ModuleOptimizer, id: ParamId, count: usize) -> Vec<Vec<f32>> {
    let reader = Reader::from_bytes(optim.to_record().into_bytes().unwrap()).unwrap();
    let mut all = Vec::new();
    for tensor in reader.into_tensors().unwrap() {
        let (name, _, shape, _, bytes) = tensor.into_parts().unwrap();
        let own = name.split('.').next() == Some(id.val().to_string().as_str());
        if own && shape.num_elements() == count {
            let numbers = bytes.chunks_exact(4);
            let numbers = numbers.map(|four| f32::from_le_bytes(four.try_into().unwrap()));
            all.push(numbers.collect());
        }
    }
    all
}

#[test]
fn the_optimizer_forgets_what_it_knew_of_a_weight_that_grows() {
    for device in training_devices() {
        // With a good batch, and with one that is skipped while masks are chosen all the same.
        for poisoned in [false, true] {
            let model = Net::new(1, &device);
            let mut pruner = rigl()
                .with_non_finite(NonFinitePolicy::Skip)
                .with_mode(MaskMode::AfterStep)
                .init(RiglScorerConfig::new().init(), &model)
                .unwrap();
            let mut optim = adamw();
            let model = pruner.attach(model).unwrap();
            let model = train(&mut pruner, &mut optim, model, 0..3, &device);
            let before = kept(pruner.masks())[48..112].to_vec();
            let known = statistics(&optim, model.second.weight.id, 64);
            assert_eq!(known.len(), 2);

            let mut batch = Batch::new(3, &device);
            if poisoned {
                batch.targets = batch.targets * f32::NAN;
            }
            let grads = GradientsParams::from_grads(model.loss(&batch).backward(), &model);
            let model = pruner.optimize(&mut optim, 0.02, model, grads).unwrap();
            assert_eq!(pruner.skipped_last(), poisoned);
            let now = kept(pruner.masks())[48..112].to_vec();
            let then = statistics(&optim, model.second.weight.id, 64);
            let mut grown = 0;
            for (known, then) in known.iter().zip(&then) {
                for entry in 0..64 {
                    let grew = now[entry] && !before[entry];
                    let expected = if grew { 0.0 } else { known[entry] };
                    assert_eq!(then[entry], expected, "{entry}, skipped: {poisoned}");
                    grown += usize::from(grew && known[entry] != 0.0);
                }
            }
            assert!(grown > 0);
            let values = &model.effective()[48..112];
            let pairs = before.iter().zip(&now).zip(values);
            let grew = pairs.filter(|((before, now), _)| **now && !**before);
            assert!(grew.into_iter().all(|(_, value)| *value == 0.0));
        }
    }
}

#[test]
fn only_a_scorer_that_says_where_can_grow_weights() {
    for device in training_devices() {
        let error = rigl().init(SevenScorerConfig::new().init(), &Net::new(1, &device));
        assert_eq!(error.unwrap_err(), Error::NoGrowth { scorer: "seven" });
    }
}

#[test]
fn a_sparse_start_is_drawn_by_its_seed_in_the_shares_of_the_budget() {
    let start = |seed: u64, device: &Device, rows: usize| {
        let mut model = Net::new(1, device);
        if rows > 0 {
            model = with_zeros(model, rows);
        }
        let config = PrunerConfig::new(ConstantSchedule::new(0..4, sparsity(0.75)));
        let config = config.with_budget(ErkBudget).with_sparse_start(seed);
        let pruner = config.init(RiglScorerConfig::new().init(), &model).unwrap();
        pruner.masks().clone()
    };
    let first = kept(&start(1, &training_devices()[0], 0));
    for device in training_devices() {
        let masks = start(1, &device, 0);
        // 34 in shares of 6 + 8, 8 + 8 and 8 + 3: 11.6, 13.3 and 9.1.
        let counts: Vec<usize> = masks.iter().map(|mask| mask.kept()).collect();
        assert_eq!(counts, [12, 13, 9]);
        assert_eq!(kept(&masks), first);
        assert_ne!(kept(&start(2, &device, 0)), first);
        // What is 0 already is not drawn.
        let sparse = start(1, &device, 2);
        assert_eq!(sparse.kept(), 34);
        let pairs = kept(&sparse).into_iter().zip(outside(2));
        assert!(pairs.into_iter().all(|(kept, open)| open || !kept));
    }
}

#[test]
fn what_stays_makes_up_for_what_goes_where_that_is_asked_for() {
    for device in training_devices() {
        for mode in MODES {
            let model = Net::new(1, &device);
            let mut pruner = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.25)))
                .with_mode(mode)
                .with_compensation(KeepSums)
                .init(MagnitudeScorerConfig::new().init(), &model)
                .unwrap();
            // Sums over the 8 inputs of each output of the second weight.
            let sums = |model: &Net| {
                let sums = model.second.weight.val().sum_dim(0);
                sums.try_into_vec_as::<f32>().unwrap()
            };
            let before = sums(&model);
            let model = pruner.attach(model).unwrap();
            let grads = gradients(&model, 0, &device);
            let model = pruner.step(model, &grads).unwrap();
            let mask = pruner.masks().get("second.weight").unwrap().to_vec();
            assert!(mask.contains(&false));
            for (column, (before, after)) in before.iter().zip(sums(&model)).enumerate() {
                assert!((0..8).any(|row| mask[row * 8 + column]));
                assert!((before - after).abs() < 1e-5, "{before} and {after}");
            }
            let pairs = model.effective()[48..112].to_vec().into_iter().zip(mask);
            assert!(pairs.into_iter().all(|(value, kept)| kept || value == 0.0));
        }
    }
}

#[test]
fn what_would_train_or_change_nothing_is_refused() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let init = |config: PrunerConfig| config.init(RiglScorerConfig::new().init(), &model);
        let every_step = ConstantSchedule::new(0..20, sparsity(0.5));
        let config = PrunerConfig::new(every_step.clone()).with_drop_and_grow(DropAndGrow::new());
        let error = init(config).unwrap_err();
        assert!(error.to_string().contains("interval"), "{error}");
        // A window that is shorter than the interval chooses no masks.
        let never = PrunerConfig::new(every_step.with_interval(100));
        let mut pruner = init(never).unwrap();
        let trained = pruner.attach(model.clone()).unwrap();
        let trained = train(&mut pruner, &mut adamw(), trained, 0..20, &device);
        let error = pruner.finish(trained).unwrap_err();
        let error = error.into_parts().1;
        assert!(
            matches!(error, burn_seven::Error::Unfinished { .. }),
            "{error}"
        );
    }
}
