use burn_seven_wgpu::kernels;

use crate::data::{LENGTHS, floats};

#[test]
fn one_bad_value_is_found_wherever_it_is() {
    for length in LENGTHS.into_iter().filter(|&length| length > 0) {
        let good = vec![f32::MAX; length];
        assert!(kernels().all_finite(&[&floats(&good), &floats(&[])]));
        for index in [0, length / 2, length - 1] {
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = good.clone();
                values[index] = bad;
                let tensors = [floats(&good), floats(&values), floats(&[1.0])];
                let all: Vec<_> = tensors.iter().collect();
                assert!(!kernels().all_finite(&all), "{bad} at {index} of {length}");
            }
        }
    }
}

#[test]
fn no_tensors_and_small_values_are_finite() {
    assert!(kernels().all_finite(&[]));
    assert!(kernels().all_finite(&[&floats(&[])]));
    assert!(kernels().all_finite(&[&floats(&[f32::from_bits(1), -0.0, f32::MIN])]));
}
