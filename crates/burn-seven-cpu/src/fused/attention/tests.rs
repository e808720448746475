//! Attention against a plain one in float64.

use super::super::split::tests::on_threads;
use super::*;
use proptest::prelude::*;

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// One buffer of queries, keys and values, shape `[batch, tokens, 3, heads, width]`.
fn joint(values: &[f32], batch: usize, heads: usize, tokens: usize, width: usize) -> Attention<'_> {
    let row = 3 * heads * width;
    let part = |part: usize| Heads {
        values: &values[(part * heads * width).min(values.len())..],
        batch: tokens * row,
        token: row,
        head: width,
    };
    Attention {
        query: part(0),
        key: part(1),
        value: part(2),
        batch,
        heads,
        queries: tokens,
        keys: tokens,
        width,
        value_width: width,
        scale: 1.0 / (width as f32).sqrt(),
        masks: &[],
    }
}

/// The strides of `[batch, queries, heads, value_width]`.
fn dense(attention: &Attention<'_>) -> (Vec<f32>, OutStrides) {
    let &Attention {
        batch,
        heads,
        queries,
        value_width,
        ..
    } = attention;
    let token = heads * value_width;
    let strides = OutStrides {
        batch: queries * token,
        token,
        head: value_width,
    };
    (vec![-7.0; batch * queries * token], strides)
}

fn run(level: Level, attention: &Attention<'_>) -> Vec<f32> {
    let (mut output, strides) = dense(attention);
    attention_with(level, attention, &mut output, strides);
    output
}

fn expected(attention: &Attention<'_>) -> Vec<f64> {
    let mut output = Vec::new();
    for batch in 0..attention.batch {
        for query in 0..attention.queries {
            for head in 0..attention.heads {
                let at = |of: Heads<'_>, token: usize, i: usize| {
                    let place = batch * of.batch + token * of.token + head * of.head + i;
                    f64::from(of.values[place])
                };
                let score = |key: usize| {
                    let products = (0..attention.width)
                        .map(|i| at(attention.query, query, i) * at(attention.key, key, i));
                    let mut score = products.sum::<f64>() * f64::from(attention.scale);
                    for mask in attention.masks {
                        let place = |strides: &Strides| {
                            batch * strides.batch
                                + head * strides.head
                                + query * strides.query
                                + key * strides.key
                        };
                        match mask {
                            Mask::Fill {
                                flags,
                                strides,
                                value,
                            } => {
                                if flags[place(strides)] != 0 {
                                    score = f64::from(*value);
                                }
                            }
                            Mask::Add { values, strides } => {
                                score += f64::from(values[place(strides)]);
                            }
                        }
                    }
                    score
                };
                let scores: Vec<f64> = (0..attention.keys).map(score).collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let exp: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
                let total: f64 = exp.iter().sum();
                for i in 0..attention.value_width {
                    let sum: f64 = exp
                        .iter()
                        .enumerate()
                        .map(|(key, exp)| exp * at(attention.value, key, i))
                        .sum();
                    output.push(if attention.keys == 0 {
                        0.0
                    } else {
                        sum / total
                    });
                }
            }
        }
    }
    output
}

fn assert_close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        let same = found.is_nan() && expected.is_nan();
        assert!(same || error < 3e-6, "{index}: {found}, not {expected}");
    }
}

#[test]
fn known_values() {
    // Scores 0 and ln 3: weights 1/4 and 3/4.
    let key = [0.0, 3f32.ln()];
    let one = |values| Heads {
        values,
        batch: 0,
        token: 1,
        head: 0,
    };
    let attention = Attention {
        query: one(&[2.0]),
        key: one(&key),
        value: one(&[8.0, 4.0]),
        batch: 1,
        heads: 1,
        queries: 1,
        keys: 2,
        width: 1,
        value_width: 1,
        scale: 0.5,
        masks: &[],
    };
    for level in Level::available() {
        approx::assert_abs_diff_eq!(run(level, &attention)[0], 5.0, epsilon = 1e-6);
        let strides = Strides {
            batch: 0,
            head: 0,
            query: 0,
            key: 1,
        };
        let mask = |flags, value| Mask::Fill {
            flags,
            strides,
            value,
        };
        for (flags, value, expected) in [
            (&[1, 0], f32::NEG_INFINITY, 4.0),
            (&[0, 1], f32::MIN, 8.0),
            (&[255, 1], f32::MIN, 6.0),
            (&[1, 1], -1e4, 6.0),
            (&[1, 1], f32::NEG_INFINITY, f32::NAN),
            (&[0, 1], f32::NAN, f32::NAN),
            (&[0, 1], f32::INFINITY, f32::NAN),
        ] {
            let masks = [mask(flags, value)];
            let found = run(
                level,
                &Attention {
                    masks: &masks,
                    ..attention
                },
            )[0];
            assert!(
                found == expected || found.is_nan() && expected.is_nan(),
                "{found}"
            );
        }
    }
}

proptest! {
    #[test]
    fn outputs_are_those_of_float64(
        batch in 1usize..3,
        heads in 1usize..4,
        queries in 1usize..11,
        keys in 0usize..150,
        width in 0usize..40,
        value_width in 1usize..80,
        masked in 0usize..5,
        seed: u64,
    ) {
        let query = numbers(batch * heads * queries * width, seed);
        let key = numbers(batch * heads * keys * width, seed ^ 1);
        let value = numbers(batch * heads * keys * value_width, seed ^ 2);
        // Heads before tokens.
        let of = |values, tokens: usize, width: usize| Heads {
            values,
            batch: heads * tokens * width,
            token: width,
            head: tokens * width,
        };
        let added = numbers(heads * queries * keys + 1, seed ^ 3);
        // The first key is always there.
        let flags: Vec<u8> = (0..batch * keys.max(1)).map(|i| {
            u8::from(i % keys.max(1) != 0 && (i as u64 ^ seed).is_multiple_of(3))
        }).collect();
        let causal: Vec<u8> = (0..queries * keys.max(1)).map(|i| {
            u8::from(i % keys.max(1) > i / keys.max(1))
        }).collect();
        let fill = |flags, strides| Mask::Fill { flags, strides, value: f32::NEG_INFINITY };
        let masks = [
            fill(&flags, Strides { batch: keys, head: 0, query: 0, key: 1 }),
            fill(&causal, Strides { batch: 0, head: 0, query: keys, key: 1 }),
            Mask::Add {
                values: &added,
                strides: Strides { batch: 0, head: queries * keys, query: keys, key: 1 },
            },
            // Keys before queries.
            Mask::Add {
                values: &added,
                strides: Strides { batch: 0, head: queries * keys, query: 1, key: queries },
            },
        ];
        let attention = Attention {
            query: of(&query, queries, width),
            key: of(&key, keys, width),
            value: of(&value, keys, value_width),
            batch,
            heads,
            queries,
            keys,
            width,
            value_width,
            scale: 0.7,
            masks: &masks[..masked],
        };
        let expected = expected(&attention);
        for level in Level::available() {
            assert_close(&run(level, &attention), &expected);
        }
    }

    #[test]
    fn tokens_of_one_buffer(tokens in 1usize..40, width in 1usize..36, seed: u64) {
        let values = numbers(2 * tokens * 3 * 2 * width, seed);
        let attention = joint(&values, 2, 2, tokens, width);
        let expected = expected(&attention);
        for level in Level::available() {
            assert_close(&run(level, &attention), &expected);
        }
    }
}

#[test]
fn many_keys_of_one_query() {
    let values = numbers(4099 * 3 * 64, 5);
    let attention = Attention {
        queries: 1,
        ..joint(&values, 1, 1, 4099, 64)
    };
    let expected = expected(&attention);
    for level in Level::available() {
        assert_close(&run(level, &attention), &expected);
    }
}

#[test]
fn a_nan_spoils_the_queries_that_read_it() {
    let mut values = numbers(9 * 3 * 8, 6);
    values[4 * 24 + 3] = f32::NAN; // query 4
    let attention = joint(&values, 1, 1, 9, 8);
    for level in Level::available() {
        for (index, value) in run(level, &attention).into_iter().enumerate() {
            assert_eq!(value.is_nan(), index / 8 == 4);
        }
    }
}

#[test]
fn what_is_between_the_outputs_stays() {
    let values = numbers(5 * 3 * 2 * 3, 7);
    let attention = joint(&values, 1, 2, 5, 3);
    for level in Level::available() {
        let dense = run(level, &attention);
        let mut output = vec![-7.0; 100];
        let strides = OutStrides {
            batch: 0,
            token: 20,
            head: 4,
        };
        attention_with(level, &attention, &mut output, strides);
        for (index, &value) in output.iter().enumerate() {
            let (token, head, i) = (index / 20, index % 20 / 4, index % 4);
            let is_output = head < 2 && i < 3;
            let place = token * 6 + head * 3 + i;
            assert_eq!(value, if is_output { dense[place] } else { -7.0 });
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    for (batch, heads, tokens, width) in [(2, 5, 70, 24), (1, 1, 515, 32), (1, 3, 259, 40)] {
        let values = numbers(batch * tokens * 3 * heads * width, 8);
        let attention = joint(&values, batch, heads, tokens, width);
        on_threads(|| run(Level::best(), &attention));
    }
}

#[test]
#[should_panic(expected = "outputs overlap")]
fn outputs_that_overlap() {
    let values = numbers(5 * 3 * 2 * 3, 7);
    let strides = OutStrides {
        batch: 0,
        token: 5,
        head: 3,
    };
    attention(&joint(&values, 1, 2, 5, 3), &mut [0.0; 30], strides);
}

#[test]
#[should_panic(expected = "keys outside of")]
fn keys_that_are_not_there() {
    let values = numbers(5 * 3 * 2 * 3, 7);
    let joint = joint(&values, 1, 2, 5, 3);
    let attention = Attention { keys: 6, ..joint };
    run(Level::best(), &attention);
}

#[test]
fn nothing_to_compute() {
    let attention = joint(&[], 0, 2, 5, 3);
    assert!(run(Level::best(), &attention).is_empty());
}

#[test]
fn a_stride_over_one_thing_may_be_anything() {
    let values = numbers(9 * 3 * 8, 9);
    let joint = joint(&values, 1, 1, 9, 8);
    let key = Heads {
        token: usize::MAX,
        ..joint.key
    };
    let value = Heads {
        batch: usize::MAX,
        token: usize::MAX,
        ..joint.value
    };
    let attention = Attention {
        key,
        value,
        keys: 1,
        ..joint
    };
    for level in Level::available() {
        for output in run(level, &attention).chunks(8) {
            assert_eq!(output, &values[16..24]);
        }
    }
}
