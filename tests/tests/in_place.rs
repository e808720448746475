//! On ndarray and flex, statistics that no one else holds are updated where they lie.
#![allow(clippy::unwrap_used, deprecated)] // a test may fail that way; ndarray is deprecated

use burn::backend::{Flex, NdArray, ndarray::NdArrayTensor};
use burn::tensor::{Device, Tensor};
use burn_seven::kernels::{self, SevenRule, SevenStep, SevenTensors};

/// Where a tensor's values lie, by ndarray or by flex.
fn address(tensor: &Tensor<1>) -> usize {
    if let Ok(primitive) = tensor.clone().try_into_primitive::<Flex>() {
        return primitive.bytes().as_ptr() as usize;
    }
    match tensor.clone().try_into_primitive::<NdArray>().unwrap() {
        NdArrayTensor::F32(storage) => storage.view().as_ptr() as usize,
        other => panic!("{other:?}"),
    }
}

fn step(state: SevenTensors, device: &Device) -> SevenTensors {
    let values = Tensor::<1>::ones([1000], device);
    let step = SevenStep {
        rule: SevenRule {
            alpha_1: 0.8,
            alpha_2: 0.9,
            epsilon: 1e-9,
            correction_1: 0.2,
            correction_2: 0.1,
            signed: false,
        },
        state,
        weight: values.clone(),
        grad: values,
        pruned: None,
    };
    kernels::at(device).seven(step, None).unwrap().state
}

#[test]
fn an_update_is_in_place_unless_a_clone_is_kept() {
    for device in [burn_seven_ndarray::device(), burn_seven_flex::device()] {
        let zeros = || Tensor::<1>::zeros([1000], &device);
        let state = SevenTensors {
            moment_1: zeros(),
            moment_2: zeros(),
            score: zeros(),
        };
        let addresses =
            |state: &SevenTensors| [&state.moment_1, &state.moment_2, &state.score].map(address);
        let before = addresses(&state);
        let state = step(state, &device);
        assert_eq!(addresses(&state), before);

        let kept = state.score.clone();
        let state = step(state, &device);
        let after = addresses(&state);
        assert_eq!(after[..2], before[..2]);
        assert_ne!(after[2], before[2]);
        let values = |tensor: Tensor<1>| tensor.try_into_vec_as::<f32>().unwrap();
        let first = values(kept);
        assert!(first.iter().all(|score| (score - 1.0).abs() < 1e-5));
        assert!(values(state.score).iter().all(|score| *score > 1.5));
    }
}
