//! The passes of one Hessian-gradient product see the same dropout. Alone in its program: the
//! generators that it looks at are those of the whole program.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::nn::{DropoutConfig, Linear, LinearConfig};
use burn::tensor::Tensor;
use burn_seven::{GraspScorerConfig, OneShotSchedule, PrunerConfig, Sparsity};
use burn_seven_tests::devices;

#[test]
fn the_three_passes_of_a_batch_see_the_same_dropout_and_batches_another() {
    for device in devices() {
        let device = device.autodiff();
        let dropout = DropoutConfig::new(0.5).init();
        let ones = Tensor::<2>::ones([4, 16], &device);
        let run = |seed: u64| {
            device.seed(seed);
            let mut model = LinearConfig::new(16, 2).init(&device);
            model.weight = model.weight.map(|old| old.ones_like().require_grad());
            let mut seen: Vec<Vec<f32>> = Vec::new();
            let loss = |model: &Linear, batch: Tensor<2>| {
                let batch = dropout.forward(batch);
                seen.push(batch.clone().try_into_vec_as().unwrap());
                model.forward(batch).square().mean()
            };
            let schedule = OneShotSchedule::new(1, Sparsity::new(0.5).unwrap());
            let scorer = GraspScorerConfig::new().init();
            let mut pruner = PrunerConfig::new(schedule).init(scorer, &model).unwrap();
            let batches = vec![ones.clone(); 2];
            pruner.prune_before_training(model, batches, loss).unwrap();
            seen
        };
        let seen = run(7);
        assert_eq!(seen.len(), 6);
        // Both batches three times, each time with the same dropout.
        let (first, second) = (&seen[0], &seen[1]);
        assert!(seen.iter().step_by(2).all(|pass| pass == first));
        assert!(seen[1..].iter().step_by(2).all(|pass| pass == second));
        assert_ne!(first, second);
        // What the user's seed fixes stays fixed, and what it changes is changed.
        assert_eq!(run(7), seen);
        assert_ne!(run(8)[0], seen[0]);
    }
}
