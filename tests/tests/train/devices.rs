//! Several devices: each replica computes with the same masks, and the result is that of one device
//! with the same gradients. The devices here are the CPU more than once.

use std::sync::{Arc, Mutex};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use burn_seven::MaskMode;
use burn_seven::train::{Pruned, WatchPruning};
use burn_seven_tests::devices;
use burn_seven_tests::model::Batch;
use burn_train::{ExecutionStrategy, MultiDeviceOptim, TrainStep};

use crate::student::{Seen, Student};
use crate::{adamw, bits, device, folder, learner, seven, training, wrapped};

const EPOCHS: usize = 5;

/// Two devices take the first and the second half of the items; in this order one device with
/// gradients accumulated over two items adds up the same.
const HALVES: [u64; 8] = [0, 2, 4, 6, 1, 3, 5, 7];
const IN_TURN: [u64; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

fn model(mode: MaskMode, seen: Option<Seen>) -> Pruned<Student> {
    use burn_seven::train::Wrap;
    let (mut model, pruner) = wrapped(seven(), mode, 3).into_parts().unwrap();
    // Taken apart and put together again, with a place to write to.
    model.seen = seen;
    let mut plain = model.materialize();
    plain.seen = plain.seen.take();
    pruner.wrap(plain).unwrap()
}

fn on_two(mode: MaskMode, optim: MultiDeviceOptim, seen: Seen) -> Pruned<Student> {
    let folder = folder();
    let model = model(mode, Some(seen));
    let strategy = ExecutionStrategy::multi(vec![device(), device()], optim);
    let training = training(&folder, EPOCHS, HALVES.to_vec()).watch_pruning(&model);
    let training = training.with_training_strategy(strategy.into());
    let result = training.launch(learner(model));
    assert!(result.error.is_none(), "{:?}", result.error);
    result.model
}

fn on_one(mode: MaskMode) -> Pruned<Student> {
    let folder = folder();
    let model = model(mode, None);
    let training = training(&folder, EPOCHS, IN_TURN.to_vec()).watch_pruning(&model);
    training.grads_accumulation(2).launch(learner(model)).model
}

#[test]
fn two_devices_end_where_one_with_the_same_gradients_does() {
    for mode in [MaskMode::InGraph, MaskMode::AfterStep] {
        let one = bits(on_one(mode));
        assert_eq!(one.3, EPOCHS * 4, "a step is an optimizer's");
        for optim in [
            MultiDeviceOptim::OptimMainDevice,
            MultiDeviceOptim::OptimSharded,
        ] {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let two = bits(on_two(mode, optim, seen.clone()));
            // Of two numbers the sum does not depend on their order.
            assert_eq!(two, one, "{mode:?}, {optim:?}");
            let seen = seen.lock().unwrap();
            assert_eq!(seen.len(), 2 * EPOCHS * 4);
            for replicas in seen.chunks(2) {
                assert_eq!(replicas[0], replicas[1]);
            }
            assert!(seen.last().unwrap().contains(&true));
        }
    }
}

#[test]
fn devices_of_two_kinds_compute_with_the_same_masks() {
    let kinds: Vec<Device> = devices().into_iter().map(Device::autodiff).collect();
    let folder = folder();
    let seen = Seen::default();
    let model = model(MaskMode::InGraph, Some(seen.clone()));
    let strategy = ExecutionStrategy::multi(kinds, MultiDeviceOptim::OptimMainDevice);
    let training = training(&folder, EPOCHS, HALVES.to_vec()).watch_pruning(&model);
    let training = training.with_training_strategy(strategy.into());
    let result = training.launch(learner(model));
    assert!(result.error.is_none(), "{:?}", result.error);
    let seen = seen.lock().unwrap();
    for replicas in seen.chunks(devices().len()) {
        assert!(replicas.iter().all(|replica| *replica == replicas[0]));
    }
    let (_, pruner) = result.model.into_parts().unwrap();
    assert_eq!(pruner.masks().kept(), 27); // floor(0.2 · 136)
}

// As in data-parallel training, where each replica has a pruner and an optimizer of its own and all
// get the same sum of gradients.
#[test]
fn replicas_that_each_optimize_choose_the_same_masks() {
    let model = model(MaskMode::InGraph, None);
    let mut replicas: Vec<_> = (0..2)
        .map(|_| (model.clone().fork(&device()), adamw()))
        .collect();
    for step in 0..20 {
        let grads: Vec<GradientsParams> = replicas
            .iter()
            .enumerate()
            .map(|(place, (model, _))| {
                let batch = Batch::new(2 * step + place as u64, &device());
                TrainStep::step(model, batch).grads
            })
            .collect();
        for (model, optim) in &mut replicas {
            let sum = sum(&model.model().net, &grads);
            *model = model.clone().optimize(optim, 0.02.into(), sum);
            assert_eq!(model.error(), None);
        }
    }
    let mut ends = replicas.into_iter().map(|(model, _)| bits(model));
    let first = ends.next().unwrap();
    assert_eq!(first.3, 20);
    assert!(ends.all(|end| end == first));
}

fn sum<M: Module>(model: &M, grads: &[GradientsParams]) -> GradientsParams {
    struct Sum<'a>(&'a [GradientsParams], GradientsParams);
    impl burn::module::ModuleVisitor for Sum<'_> {
        fn visit_float<const D: usize>(
            &mut self,
            param: &burn::module::Param<burn::tensor::Tensor<D>>,
        ) {
            let grads = self.0.iter().filter_map(|grads| grads.get::<D>(param.id));
            if let Some(sum) = grads.reduce(|one, other| one + other) {
                self.1.register(param.id, sum);
            }
        }
    }
    let mut sum = Sum(grads, GradientsParams::new());
    model.visit(&mut sum);
    sum.1
}
