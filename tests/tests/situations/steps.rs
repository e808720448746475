//! One line for a training step, the step that masks take after it, and replicas.

use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn_seven::{
    AnyScorer, CubicSchedule, MovementScorerConfig, PlatonScorerConfig, SevenScorerConfig,
};
use burn_seven_tests::model::{Net, adamw, gradients};

use super::*;

#[test]
fn one_line_of_training_is_the_three_in_order() {
    for device in training_devices() {
        for mode in MODES {
            let start = |seed| {
                let model = Net::new(seed, &device);
                let scorer = SevenScorerConfig::new().init();
                let mut pruner = config().with_mode(mode).init(scorer, &model).unwrap();
                let model = pruner.attach(model).unwrap();
                (pruner, model, adamw())
            };
            let (mut one, mut by_one, mut one_optim) = start(1);
            let (mut three, mut by_three, mut three_optim) = start(1);
            for step in 0..14 {
                let grads = gradients(&by_one, step, &device);
                by_one = one.optimize(&mut one_optim, 0.02, by_one, grads).unwrap();

                let grads = gradients(&by_three, step, &device);
                by_three = three.step(by_three, &grads).unwrap();
                by_three = three_optim.step(0.02, by_three, grads);
                by_three = three.after_step(by_three).unwrap();
                assert_eq!(kept(one.masks()), kept(three.masks()), "{mode:?} {step}");
                assert_eq!(by_one.effective(), by_three.effective(), "{mode:?} {step}");
            }
            assert_eq!(one.masks().kept(), 68);
            let bytes = |pruner: &Pruner| pruner.to_record().into_bytes().unwrap().to_vec();
            assert_eq!(bytes(&one), bytes(&three));
        }
    }
}

// Pruned weights get a gradient for their scores, which the optimizer must not see.
#[test]
fn one_line_of_training_masks_gradients_as_a_loop_by_hand_does() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let scorer = MovementScorerConfig::new().init();
        let mut one = config().init(scorer, &model).unwrap();
        let mut by_one = one.attach(model).unwrap();
        let (mut by_hand, mut hand) = (by_one.clone(), one.clone());
        let (mut one_optim, mut hand_optim) = (adamw(), adamw());
        for step in 0..14 {
            let grads = gradients(&by_one, step, &device);
            by_one = one.optimize(&mut one_optim, 0.02, by_one, grads).unwrap();

            let grads = gradients(&by_hand, step, &device);
            by_hand = hand.step(by_hand, &grads).unwrap();
            let grads = hand.mask_gradients(&by_hand, grads);
            by_hand = hand_optim.step(0.02, by_hand, grads);
            assert_eq!(kept(one.masks()), kept(hand.masks()), "step {step}");
            assert_eq!(by_one.effective(), by_hand.effective(), "step {step}");
        }
        assert!(one.masks().kept() < 136);
    }
}

#[test]
fn masks_put_on_twice_after_a_step_are_as_good_as_once() {
    for device in training_devices() {
        let run = |times: usize| {
            let schedule = CubicSchedule::new(20..200, sparsity(0.8));
            let schedule = schedule.with_scored_from(0).with_chosen_until(280);
            let model = Net::new(1, &device);
            let mut pruner = PrunerConfig::new(schedule)
                .with_mode(MaskMode::AfterStep)
                .init(MovementScorerConfig::new().init(), &model)
                .unwrap();
            let mut model = pruner.attach(model).unwrap();
            let mut optim = adamw();
            let mut masks = Vec::new();
            for step in 0..300 {
                let grads = gradients(&model, step, &device);
                model = pruner.step(model, &grads).unwrap();
                model = optim.step(0.02, model, grads);
                for _ in 0..times {
                    model = pruner.after_step(model).unwrap();
                }
                masks.push(kept(pruner.masks()));
            }
            (masks, model.effective())
        };
        let (once, twice) = (run(1), run(2));
        assert!(once.0 == twice.0);
        assert_eq!(once.1, twice.1);
        // Otherwise the test shows nothing: weights do come back.
        let returned = |pair: &[Vec<bool>]| pair[0].iter().zip(&pair[1]).any(|(was, is)| !was & is);
        assert!(once.0.windows(2).any(returned));
    }
}

// Each replica has its own half of the data; both get the sum of both gradients.
#[test]
fn replicas_choose_the_same_masks() {
    for device in training_devices() {
        for scorer in [
            AnyScorer::from(SevenScorerConfig::new().init()),
            AnyScorer::from(PlatonScorerConfig::new().with_window(2).init()),
        ] {
            let model = Net::new(1, &device);
            let schedule = CubicSchedule::new(5..40, sparsity(0.8));
            let config = PrunerConfig::new(schedule);
            let mut pruner = config.init(scorer, &model).unwrap();
            // In the middle of a run, with statistics and masks.
            let model = pruner.attach(model).unwrap();
            let model = train(&mut pruner, &mut adamw(), model, 0..8, &device);
            let fork = pruner.fork(&device).unwrap();
            let replica = model.clone().fork(&device);
            let mut replicas = [(pruner, model, adamw()), (fork, replica, adamw())];
            for step in 8..58 {
                let mut sums = [GradientsAccumulator::new(), GradientsAccumulator::new()];
                for half in 0..2u64 {
                    for sum in &mut sums {
                        let own = &replicas[half as usize].1;
                        sum.accumulate(own, gradients(own, 2 * step + half, &device));
                    }
                }
                replicas = std::array::from_fn(|index| {
                    let (pruner, model, optim) = &replicas[index];
                    let (mut pruner, mut optim) = (pruner.clone(), optim.clone());
                    let grads = sums[index].grads();
                    let model = pruner.optimize(&mut optim, 0.02, model.clone(), grads);
                    (pruner, model.unwrap(), optim)
                });
                let [one, other] = &replicas;
                assert_eq!(kept(one.0.masks()), kept(other.0.masks()), "step {step}");
            }
            let [one, other] = replicas;
            assert_eq!(one.0.masks().kept(), 27); // a fifth of 136
            assert_eq!(one.1.effective(), other.1.effective());
        }
    }
}
