//! Finding NaN and infinite values by libtorch's kernels.

mod common;

use burn::tensor::FloatDType;
use burn_seven_tch::kernels;
use common::{SIZES, floats};

#[test]
fn one_bad_value_is_found_wherever_it_is() {
    let good = floats(&[1.0; 50]);
    for count in SIZES {
        for index in [0, count / 2, count - 1] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = vec![1.0; count];
                values[index] = bad;
                assert!(!kernels().all_finite(&[&good, &floats(&values)]));
            }
        }
    }
}

#[test]
fn infinite_values_that_cancel_are_found() {
    let values = floats(&[f32::INFINITY, 0.0, f32::NEG_INFINITY]);
    assert!(!kernels().all_finite(&[&values]));
}

#[test]
fn finite_values_that_overflow_together_are_finite() {
    for count in SIZES {
        let large = floats(&vec![f32::MAX; count]);
        assert!(kernels().all_finite(&[&large, &large]));
    }
}

#[test]
fn nothing_is_finite() {
    assert!(kernels().all_finite(&[]));
    assert!(kernels().all_finite(&[&floats(&[])]));
}

#[test]
fn types_may_differ() {
    let half = floats(&[65504.0; 10]).cast(FloatDType::F16);
    let wide = floats(&[1e30; 10]).cast(FloatDType::F64);
    assert!(kernels().all_finite(&[&half, &wide, &(wide.clone() * wide.clone() * 1e200)]));
    let over = half.clone() * 2.0;
    assert!(!kernels().all_finite(&[&wide, &over]));
}
