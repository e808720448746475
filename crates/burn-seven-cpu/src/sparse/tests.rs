//! What products should give.

use burn_seven_kernels::Activation;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

/// A weight that keeps about a share of its entries; some rows and columns are empty.
pub fn weight(inputs: usize, outputs: usize, keep: f64, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut empty =
        |count: usize| -> Vec<bool> { (0..count).map(|_| rng.random_bool(0.1)).collect() };
    let (rows, columns) = (empty(inputs), empty(outputs));
    let mut rng = StdRng::seed_from_u64(!seed);
    let mut values = Vec::with_capacity(inputs * outputs);
    for row in rows {
        for column in &columns {
            let value = rng.random_range(-1.0f32..1.0);
            let stays = rng.random_bool(keep) && !row && !column;
            values.push(if stays { value } else { 0.0 });
        }
    }
    values
}

fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-1.0f32..1.0)).collect()
}

/// The product in float64, without an activation function.
fn expected(weight: &[f32], input: &[f32], rows: usize, bias: &[f32]) -> Vec<f64> {
    let outputs = bias.len();
    let inputs = weight.len() / outputs;
    let mut output = Vec::with_capacity(rows * outputs);
    for row in 0..rows {
        for (column, &bias) in bias.iter().enumerate() {
            let products = (0..inputs).map(|index| {
                let weight = f64::from(weight[index * outputs + column]);
                weight * f64::from(input[row * inputs + index])
            });
            output.push(products.sum::<f64>() + f64::from(bias));
        }
    }
    output
}

/// Compares every kernel of this processor with float64.
fn check(weight: &[f32], inputs: usize, outputs: usize, rows: usize, seed: u64) {
    let packed = Packed::new(weight, inputs, outputs);
    let input = values(rows * inputs, seed);
    let bias = values(outputs, seed + 1);
    let expected = expected(weight, &input, rows, &bias);
    // A sum of n products of at most 1 is off by at most n^2 / 2 roundings of 2^-24.
    let bound = 1e-6 * (1.0 + inputs as f64);
    for level in Level::available() {
        let mut output = vec![7.0; 3];
        multiply_with(
            level,
            &packed,
            &input,
            rows,
            Some(&bias),
            Activation::None,
            &mut output,
        );
        assert_eq!(output.len(), rows * outputs);
        for (found, expected) in output.iter().zip(&expected) {
            let error = (f64::from(*found) - expected).abs();
            assert!(
                error < bound,
                "{level:?} {rows}x{inputs}x{outputs}: {found} {expected}"
            );
        }
        let mut rectified = Vec::new();
        multiply_with(
            level,
            &packed,
            &input,
            rows,
            Some(&bias),
            Activation::Relu,
            &mut rectified,
        );
        let zeroed: Vec<f32> = output.iter().map(|value| value.max(0.0)).collect();
        assert_eq!(rectified, zeroed);
    }
}

// [1 2] times [[1, 0, 2], [0, 0, 3]] is [1, 0, 8]; the bias is 10, 20, 30.
#[test]
fn a_small_product() {
    let packed = Packed::new(&[1.0, 0.0, 2.0, 0.0, 0.0, 3.0], 2, 3);
    let mut output = Vec::new();
    let bias = [10.0, 20.0, 30.0];
    multiply(
        &packed,
        &[1.0, 2.0],
        1,
        Some(&bias),
        Activation::None,
        &mut output,
    );
    assert_eq!(output, [11.0, 20.0, 38.0]);
    multiply(&packed, &[1.0, 2.0], 1, None, Activation::None, &mut output);
    assert_eq!(output, [1.0, 0.0, 8.0]);
}

#[test]
fn dense_empty_and_tiny_weights_at_every_width_of_panel() {
    for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 32, 40, 64, 100, 128] {
        for (inputs, outputs) in [(1, 1), (1, 9), (9, 1), (17, 31), (130, 140), (300, 129)] {
            for keep in [0.0, 0.05, 1.0] {
                let seed = (rows * inputs + outputs) as u64;
                check(
                    &weight(inputs, outputs, keep, seed),
                    inputs,
                    outputs,
                    rows,
                    seed,
                );
            }
            let full = values(inputs * outputs, 5);
            check(&full, inputs, outputs, rows, 6);
            check(&vec![0.0; inputs * outputs], inputs, outputs, rows, 6);
        }
    }
}

/// A weight that keeps about half of its blocks of so many inputs and outputs.
fn blocks(inputs: usize, outputs: usize, [high, wide]: [usize; 2], seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let across = outputs.div_ceil(wide);
    let kept: Vec<bool> = (0..inputs.div_ceil(high) * across)
        .map(|_| rng.random_bool(0.5))
        .collect();
    let values = values(inputs * outputs, seed);
    let places = values.into_iter().enumerate().map(|(place, value)| {
        let (input, output) = (place / outputs, place % outputs);
        let kept = kept[input / high * across + output / wide];
        if kept { value } else { 0.0 }
    });
    places.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn weights_of_blocks(
        block in prop::array::uniform2(1usize..20), inputs in 1usize..300, outputs in 1usize..150,
        rows in 1usize..70, seed in any::<u64>(),
    ) {
        let weight = blocks(inputs, outputs, block, seed);
        check(&weight, inputs, outputs, rows, seed >> 1);
        prop_assert_eq!(Packed::new(&weight, inputs, outputs).to_dense(), weight);
    }

    #[test]
    fn an_output_of_a_block_has_the_bits_that_it_has_alone(
        inputs in 1usize..300, rows in 1usize..70, seed in any::<u64>(),
    ) {
        let (input, column) = (values(rows * inputs, seed), weight(inputs, 1, 0.4, seed));
        let every: Vec<f32> = column.iter().flat_map(|value| [*value; 8]).collect();
        let (one, eight) = (Packed::new(&column, inputs, 1), Packed::new(&every, inputs, 8));
        for level in Level::available() {
            let (mut alone, mut beside) = (Vec::new(), Vec::new());
            multiply_with(level, &one, &input, rows, None, Activation::None, &mut alone);
            multiply_with(level, &eight, &input, rows, None, Activation::None, &mut beside);
            let bits = |value: &f32| value.to_bits();
            let alone: Vec<u32> = alone.iter().flat_map(|value| [bits(value); 8]).collect();
            prop_assert_eq!(alone, beside.iter().map(bits).collect::<Vec<_>>());
        }
    }
}

#[test]
fn nothing_in_or_out_gives_the_bias_or_nothing() {
    let packed = Packed::new(&[], 0, 3);
    let mut output = Vec::new();
    multiply(
        &packed,
        &[],
        2,
        Some(&[1.0, 2.0, 3.0]),
        Activation::None,
        &mut output,
    );
    assert_eq!(output, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    let packed = Packed::new(&[], 3, 0);
    multiply(&packed, &[0.0; 6], 2, None, Activation::None, &mut output);
    assert!(output.is_empty());
    let packed = Packed::new(&[1.0; 6], 3, 2);
    multiply(&packed, &[], 0, None, Activation::None, &mut output);
    assert!(output.is_empty());
}

// What is pruned reads nothing: infinite activations reach only outputs that use them.
#[test]
fn infinite_activations_of_pruned_weights_are_not_read() {
    let packed = Packed::new(&[0.0, 1.0, 1.0, 0.0], 2, 2);
    for rows in [1, 2, 3, 8, 32] {
        let input = [f32::INFINITY, 2.0].repeat(rows);
        for level in Level::available() {
            let mut output = Vec::new();
            multiply_with(
                level,
                &packed,
                &input,
                rows,
                None,
                Activation::None,
                &mut output,
            );
            assert_eq!(output, [2.0, f32::INFINITY].repeat(rows));
        }
    }
}

// The same where lanes stay empty: even outputs read even inputs, odd ones some odd inputs.
#[test]
fn infinite_activations_do_not_reach_lanes_that_are_filled_up() {
    let (inputs, outputs) = (200, 150);
    let mut weight = vec![0.0; inputs * outputs];
    for (index, weight) in weight.iter_mut().enumerate() {
        let (input, output) = (index / outputs, index % outputs);
        let kept = input % 2 == output % 2 && (output % 2 == 0 || input % 7 == 0);
        *weight = if kept { 1.0 } else { 0.0 };
    }
    let packed = Packed::new(&weight, inputs, outputs);
    let infinite = [f32::INFINITY, 1.0].repeat(inputs / 2);
    for rows in 1..8 {
        for level in Level::available() {
            let (input, mut output) = (infinite.repeat(rows), Vec::new());
            let none = Activation::None;
            multiply_with(level, &packed, &input, rows, None, none, &mut output);
            // 7, 21 and so on, up to 189.
            let expected = [f32::INFINITY, 14.0].repeat(outputs / 2 * rows);
            assert_eq!(output, expected, "{level:?}");
        }
    }
}

#[test]
fn weights_that_are_not_a_number_reach_their_output_alone() {
    let mut weight = weight(100, 130, 0.3, 4);
    weight[50 * 130 + 9] = f32::NAN;
    for packed in [
        Packed::new(&weight, 100, 130),
        Packed::new_bf16(&weight, 100, 130),
    ] {
        for rows in [1, 2, 8] {
            let mut output = Vec::new();
            let input = vec![1.0; 100 * rows];
            multiply(&packed, &input, rows, None, Activation::None, &mut output);
            for (index, value) in output.iter().enumerate() {
                assert_eq!(value.is_nan(), index % 130 == 9);
            }
        }
    }
}

// Whatever kernel takes it, a row gives the same bits alone and among others.
#[test]
fn the_bits_of_a_row_do_not_depend_on_the_other_rows() {
    let (inputs, outputs) = (300, 200);
    let weight = weight(inputs, outputs, 0.2, 8);
    let (input, bias) = (values(9 * inputs, 3), values(outputs, 4));
    for packed in [
        Packed::new(&weight, inputs, outputs),
        Packed::new_bf16(&weight, inputs, outputs),
    ] {
        for level in Level::available() {
            let product = |rows: usize, first: usize| {
                let input = &input[first * inputs..][..rows * inputs];
                let (bias, none) = (Some(&bias[..]), Activation::None);
                let mut output = Vec::new();
                multiply_with(level, &packed, input, rows, bias, none, &mut output);
                output
            };
            let single: Vec<f32> = (0..9).flat_map(|row| product(1, row)).collect();
            for rows in 2..10 {
                assert!(
                    product(rows, 0) == single[..rows * outputs],
                    "{level:?} {rows}"
                );
            }
        }
    }
}

// More inputs than outputs and fewer, few panels and many.
#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    for (inputs, outputs) in [(300, 500), (700, 200), (1500, 700)] {
        let weight = weight(inputs, outputs, 0.3, 1);
        for rows in [1, 3, 20, 100, 1000] {
            let input = values(rows * inputs, 2);
            let product = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let mut output = Vec::new();
                pool.expect("a pool").install(|| {
                    let packed = Packed::new(&weight, inputs, outputs);
                    let gelu = Activation::Gelu;
                    multiply(&packed, &input, rows, None, gelu, &mut output);
                });
                output
            };
            let one = product(1);
            for threads in [2, 3] {
                assert!(product(threads) == one, "{rows} rows, {threads} threads");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn products_are_those_of_float64(
        inputs in 1usize..400, outputs in 1usize..300, rows in 1usize..80,
        keep in 0.0f64..1.0, seed in any::<u32>(),
    ) {
        let weight = weight(inputs, outputs, keep, u64::from(seed));
        check(&weight, inputs, outputs, rows, u64::from(seed));
    }

    #[test]
    fn products_with_few_rows_are_those_of_float64(
        inputs in 1usize..700, outputs in 1usize..300, rows in 1usize..9,
        keep in 0.0f64..1.0, seed in any::<u32>(),
    ) {
        let weight = weight(inputs, outputs, keep, u64::from(seed));
        check(&weight, inputs, outputs, rows, u64::from(seed));
    }

    #[test]
    fn rounded_weights_give_the_product_of_the_rounded_weight(
        inputs in 1usize..400, outputs in 1usize..200, rows in 1usize..12,
        keep in 0.0f64..1.0, seed in any::<u32>(),
    ) {
        let weight = weight(inputs, outputs, keep, u64::from(seed));
        let (input, bias) = (values(rows * inputs, 1), values(outputs, 2));
        let packed = Packed::new_bf16(&weight, inputs, outputs);
        let rounded = packed.to_dense();
        for (rounded, weight) in rounded.iter().zip(&weight) {
            prop_assert!((rounded - weight).abs() <= weight.abs() / 256.0);
        }
        let full = Packed::new(&rounded, inputs, outputs);
        for level in Level::available() {
            let product = |packed: &Packed| {
                let (bias, relu) = (Some(&bias[..]), Activation::Relu);
                let mut output = Vec::new();
                multiply_with(level, packed, &input, rows, bias, relu, &mut output);
                output
            };
            prop_assert_eq!(product(&packed), product(&full));
        }
    }
}
