//! SEVEN's update by libtorch's kernels against plain Rust.

mod common;

use burn::tensor::{FloatDType, Tensor};
use burn_seven_kernels::{SevenRule, SevenStep, SevenTensors};
use burn_seven_tch::kernels;
use common::{Random, SIZES, address, device, flags, floats, to_floats};

fn rule(step: i32, signed: bool) -> SevenRule {
    SevenRule {
        alpha_1: 0.8,
        alpha_2: 0.9,
        epsilon: 1e-9,
        correction_1: 1.0 - 0.8f64.powi(step + 1),
        correction_2: 1.0 - 0.9f64.powi(step + 1),
        signed,
    }
}

fn zeros(count: usize) -> SevenTensors {
    let zeros = || Tensor::zeros([count], &device());
    SevenTensors {
        moment_1: zeros(),
        moment_2: zeros(),
        score: zeros(),
    }
}

/// One entry in float64.
fn plain(rule: &SevenRule, [m, v, s]: [f64; 3], w: f64, g: f64) -> [f64; 3] {
    let a = g.abs();
    let first = if rule.signed { g } else { a };
    let m = rule.alpha_1 * m + (1.0 - rule.alpha_1) * first;
    let v = rule.alpha_2 * v + (1.0 - rule.alpha_2) * a * a;
    let steadiness = (m / rule.correction_1) / ((v / rule.correction_2).sqrt() + rule.epsilon);
    [m, v, s + (w * a * steadiness).abs()]
}

fn assert_near(found: &Tensor<1>, expected: impl Iterator<Item = f64>, what: &str) {
    for (index, (found, expected)) in to_floats(found).into_iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(
            error <= 1e-5 * expected.abs() + 1e-12,
            "{what} of entry {index}: {found} and {expected}"
        );
    }
}

#[test]
fn updates_follow_the_formula() {
    for count in SIZES {
        for signed in [false, true] {
            let mut random = Random(7);
            let mut state = zeros(count);
            let mut expected = vec![[0.0; 3]; count];
            for step in 0..4 {
                let (w, g) = (random.floats(count), random.floats(count));
                let pruned = (step > 1).then(|| random.flags(count));
                let rule = rule(step, signed);
                for (index, entry) in expected.iter_mut().enumerate() {
                    *entry = plain(&rule, *entry, f64::from(w[index]), f64::from(g[index]));
                    if pruned.as_ref().is_some_and(|pruned| pruned[index]) {
                        *entry = [0.0; 3];
                    }
                }
                let updated = kernels().seven(
                    SevenStep {
                        rule,
                        state,
                        weight: floats(&w),
                        grad: floats(&g),
                        pruned: pruned.as_deref().map(flags),
                    },
                    None,
                );
                let updated = updated.unwrap();
                assert!(!updated.counted);
                state = updated.state;
                let part = |part: usize| expected.iter().map(move |entry| entry[part]);
                // The signed moment may cancel, so only what is not near 0 of it is compared.
                if !signed {
                    assert_near(&state.moment_1, part(0), "first moment");
                    assert_near(&state.score, part(2), "score");
                }
                assert_near(&state.moment_2, part(1), "second moment");
            }
            if signed {
                for (found, entry) in to_floats(&state.score).into_iter().zip(&expected) {
                    assert!((f64::from(found) - entry[2]).abs() < 1e-5);
                }
            }
        }
    }
}

fn step(state: SevenTensors, count: usize) -> SevenStep {
    let mut random = Random(8);
    SevenStep {
        rule: rule(0, false),
        state,
        weight: floats(&random.floats(count)),
        grad: floats(&random.floats(count)),
        pruned: None,
    }
}

#[test]
fn statistics_that_no_one_else_holds_are_updated_in_place() {
    let state = zeros(1000);
    let addresses =
        |state: &SevenTensors| [&state.moment_1, &state.moment_2, &state.score].map(address);
    let before = addresses(&state);
    let updated = kernels().seven(step(state, 1000), None).unwrap();
    assert_eq!(addresses(&updated.state), before);
}

#[test]
fn statistics_that_someone_holds_stay_as_they_are() {
    let state = zeros(1000);
    let held = state.clone();
    let views = [&state.moment_1, &state.moment_2, &state.score]
        .map(|tensor| tensor.clone().reshape([10, 100]));
    let updated = kernels().seven(step(state, 1000), None).unwrap();
    for tensor in [&held.moment_1, &held.moment_2, &held.score] {
        assert!(to_floats(tensor).iter().all(|&value| value == 0.0));
    }
    for view in views {
        assert!(
            to_floats(&view.reshape([1000]))
                .iter()
                .all(|&value| value == 0.0)
        );
    }
    assert!(
        to_floats(&updated.state.score)
            .iter()
            .any(|&value| value > 0.0)
    );
}

#[test]
fn statistics_that_share_memory_with_each_other_part() {
    let zeros: Tensor<1> = Tensor::zeros([64], &device());
    let state = SevenTensors {
        moment_1: zeros.clone(),
        moment_2: zeros.clone(),
        score: zeros,
    };
    let shared = kernels().seven(step(state, 64), None).unwrap().state;
    let own = kernels()
        .seven(step(self::zeros(64), 64), None)
        .unwrap()
        .state;
    for (shared, own) in [
        (&shared.moment_1, &own.moment_1),
        (&shared.moment_2, &own.moment_2),
        (&shared.score, &own.score),
    ] {
        assert_eq!(to_floats(shared), to_floats(own));
    }
}

#[test]
fn weights_and_gradients_may_be_views() {
    let mut random = Random(9);
    let (w, g) = (random.floats(6000), random.floats(6000));
    let turn = |values: &[f32]| floats(values).reshape([60, 100]).swap_dims(0, 1);
    let column = |values: &[f32]| turn(values).slice([0..100, 7..8]).reshape([100]);
    let plain_column = |values: &[f32]| floats(&values[700..800]);
    let update = |weight, grad| {
        let step = SevenStep {
            weight,
            grad,
            ..step(zeros(100), 100)
        };
        to_floats(&kernels().seven(step, None).unwrap().state.score)
    };
    assert_eq!(
        update(column(&w), column(&g)),
        update(plain_column(&w), plain_column(&g))
    );
}

#[test]
fn huge_and_tiny_gradients_give_no_nan() {
    let grad = floats(&[f32::MAX, -f32::MAX, 1e30, 1e-30, 0.0, -0.0, 1e-45]);
    let mut state = zeros(7);
    for index in 0..3 {
        for signed in [false, true] {
            let step = SevenStep {
                rule: rule(index, signed),
                state,
                weight: floats(&[1.0, f32::MAX, 0.0, 1.0, 1.0, f32::MAX, 1.0]),
                grad: grad.clone(),
                pruned: None,
            };
            state = kernels().seven(step, None).unwrap().state;
            assert!(to_floats(&state.score).iter().all(|score| !score.is_nan()));
        }
    }
}

#[test]
fn empty_tensors_stay_empty() {
    let updated = kernels().seven(step(zeros(0), 0), None).unwrap();
    assert_eq!(to_floats(&updated.state.score), [0.0; 0]);
}

#[test]
fn other_types_are_given_back() {
    let mut wide = step(zeros(10), 10);
    wide.weight = wide.weight.cast(FloatDType::F64);
    let back = kernels().seven(wide, None).unwrap_err();
    assert_eq!(to_floats(&back.state.score), [0.0; 10]);
}
