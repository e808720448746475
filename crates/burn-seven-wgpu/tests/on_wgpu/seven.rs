use burn::tensor::Tensor;
use burn_seven_cubecl::Tensors;
use burn_seven_kernels::{SevenRule, SevenStep, SevenTensors, Updated};
use burn_seven_wgpu::kernels;

use crate::data::{LENGTHS, Scores, bools, flags, floats, generator, read_floats};

type Backend = burn::backend::Cube;

fn rule(signed: bool) -> SevenRule {
    SevenRule {
        alpha_1: 0.8,
        alpha_2: 0.9,
        epsilon: 1e-8,
        correction_1: 1.0 - 0.8f64.powi(3),
        correction_2: 1.0 - 0.9f64.powi(3),
        signed,
    }
}

fn update(rule: &SevenRule, m: f32, v: f32, s: f32, w: f32, g: f32) -> [f32; 3] {
    let a = g.abs();
    let first = if rule.signed { g } else { a };
    let m = m * rule.alpha_1 as f32 + first * (1.0 - rule.alpha_1) as f32;
    let v = v * rule.alpha_2 as f32 + (a * a) * (1.0 - rule.alpha_2) as f32;
    let mean = m * (1.0 / rule.correction_1) as f32;
    let root = (v * (1.0 / rule.correction_2) as f32).sqrt();
    let steadiness = mean / (root + rule.epsilon as f32);
    [m, v, s + (steadiness * a * w).abs()]
}

/// One tensor's numbers on the host: both moments, score, weights, gradient.
struct Host([Vec<f32>; 5], Option<Vec<bool>>);

impl Host {
    fn draw(length: usize, with_dropped: bool, seed: u64) -> Self {
        let rng = &mut generator(seed);
        let near = |rng: &mut _| {
            let values = Scores::Odd.draw(length, rng);
            let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
            values.into_iter().map(finite).collect::<Vec<_>>()
        };
        let positive = |values: Vec<f32>| values.into_iter().map(f32::abs).collect();
        let columns = [
            near(rng),
            positive(near(rng)),
            positive(near(rng)),
            near(rng),
            near(rng),
        ];
        Self(columns, with_dropped.then(|| flags(length, 3, rng)))
    }

    fn step(&self, rule: SevenRule) -> SevenStep {
        let [moment_1, moment_2, score, weight, grad] = &self.0;
        SevenStep {
            rule,
            state: SevenTensors {
                moment_1: floats(moment_1),
                moment_2: floats(moment_2),
                score: floats(score),
            },
            weight: floats(weight),
            grad: floats(grad),
            pruned: self.1.as_deref().map(bools),
        }
    }

    fn expected(&self, rule: &SevenRule) -> [Vec<f32>; 3] {
        let [m, v, s, w, g] = &self.0;
        let mut columns = [vec![], vec![], vec![]];
        for index in 0..m.len() {
            let gone = self.1.as_ref().is_some_and(|pruned| pruned[index]);
            let new = match gone {
                true => [0.0; 3],
                false => update(rule, m[index], v[index], s[index], w[index], g[index]),
            };
            columns
                .iter_mut()
                .zip(new)
                .for_each(|(column, new)| column.push(new));
        }
        columns
    }
}

fn assert_near(updated: &Updated, expected: &[Vec<f32>; 3]) {
    assert!(!updated.counted);
    let state = &updated.state;
    for (tensor, right) in [&state.moment_1, &state.moment_2, &state.score]
        .into_iter()
        .zip(expected)
    {
        for (index, (found, right)) in read_floats(tensor).into_iter().zip(right).enumerate() {
            // Devices may contract a multiplication and an addition, and divide less exactly.
            let near = (found - right).abs() <= 4e-6 * right.abs() + 1e-12;
            assert!(near, "{found} for {right} at {index}");
        }
    }
}

#[test]
fn an_update_is_that_of_plain_rust() {
    for (seed, length) in LENGTHS.into_iter().enumerate() {
        for signed in [false, true] {
            for with_dropped in [false, true] {
                let host = Host::draw(length, with_dropped, seed as u64);
                let rule = rule(signed);
                let updated = kernels().seven(host.step(rule), None);
                let updated = updated.expect("float32 tensors should be updated");
                assert_near(&updated, &host.expected(&rule));
            }
        }
    }
}

#[test]
fn a_state_held_elsewhere_is_left_as_it_is() {
    let host = Host::draw(4096, true, 31);
    let rule = rule(true);
    let step = host.step(rule);
    let held = step.state.clone();
    let updated = kernels()
        .seven(step, None)
        .expect("float32 tensors should be updated");
    assert_near(&updated, &host.expected(&rule));
    assert_eq!(read_floats(&held.moment_1), host.0[0]);
    assert_eq!(read_floats(&held.moment_2), host.0[1]);
    assert_eq!(read_floats(&held.score), host.0[2]);
}

#[test]
fn one_tensor_for_two_moments_is_not_mixed_up() {
    let mut host = Host::draw(1000, false, 32);
    host.0[1] = host.0[2].clone();
    host.0[0] = host.0[2].clone();
    let rule = rule(true);
    let mut step = host.step(rule);
    step.state.moment_2 = step.state.score.clone();
    step.state.moment_1 = step.state.score.clone();
    let updated = kernels()
        .seven(step, None)
        .expect("float32 tensors should be updated");
    assert_near(&updated, &host.expected(&rule));
}

/// A tensor and which memory it lies in.
fn placed(tensor: Tensor<1>) -> (Tensor<1>, String) {
    let taken = <Backend as Tensors>::take_floats(tensor);
    let place = format!("{:?}", taken.handle.clone().binding().memory.id());
    (<Backend as Tensors>::give_floats(taken), place)
}

#[test]
fn a_state_held_by_no_one_else_is_updated_in_place() {
    let host = Host::draw(1000, true, 33);
    let rule = rule(false);
    let mut step = host.step(rule);
    let (moment_1, moment_1_at) = placed(step.state.moment_1);
    let (moment_2, moment_2_at) = placed(step.state.moment_2);
    let (score, score_at) = placed(step.state.score);
    step.state = SevenTensors {
        moment_1,
        moment_2,
        score,
    };
    let updated = kernels()
        .seven(step, None)
        .expect("float32 tensors should be updated");
    assert_near(&updated, &host.expected(&rule));
    let state = updated.state;
    assert_eq!(placed(state.moment_1).1, moment_1_at);
    assert_eq!(placed(state.moment_2).1, moment_2_at);
    assert_eq!(placed(state.score).1, score_at);
}

#[test]
fn operations_before_and_after_an_update_are_in_order() {
    let host = Host::draw(4097, false, 34);
    let rule = rule(true);
    let mut step = host.step(rule);
    // Still to be computed when the update asks for it, where operations are fused.
    step.grad = step.grad.mul_scalar(2.0).add_scalar(1.0);
    let updated = kernels()
        .seven(step, None)
        .expect("float32 tensors should be updated");
    let doubled = updated.state.score.clone().mul_scalar(2.0);
    let mut right = Host(host.0.clone(), None);
    right.0[4] = host.0[4].iter().map(|grad| grad * 2.0 + 1.0).collect();
    let expected = right.expected(&rule);
    assert_near(&updated, &expected);
    for (found, right) in read_floats(&doubled).into_iter().zip(&expected[2]) {
        assert!((found - 2.0 * right).abs() <= 1e-5 * right.abs() + 1e-12);
    }
}
