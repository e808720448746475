//! Convolutions compared with float64 and by hand.

use burn_seven_kernels::Activation;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::super::Level;
use super::{Convolution, Images, PackedConvolution, convolve, convolve_with};

const PLAIN: Convolution = Convolution {
    channels: 1,
    outputs: 1,
    kernel: [3, 3],
    stride: [1, 1],
    padding: [(1, 1); 2],
    dilation: [1, 1],
    groups: 1,
};

fn values(count: usize, keep: f64, seed: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut value = || {
        let value = rng.random_range(-1.0f32..1.0);
        if rng.random_bool(keep) { value } else { 0.0 }
    };
    (0..count).map(|_| value()).collect()
}

/// The convolution in float64, by its definition.
fn expected(shape: &Convolution, weight: &[f32], images: Images<'_>, bias: &[f32]) -> Vec<f64> {
    let [rows, columns] = shape.output_size(images.height, images.width).unwrap();
    let channels = shape.channels / shape.groups;
    let outputs = shape.outputs / shape.groups;
    let value = |image: usize, channel: usize, row: usize, column: usize| {
        let row = row.checked_sub(shape.padding[0].0)?;
        let column = column.checked_sub(shape.padding[1].0)?;
        let place = (image * shape.channels + channel) * images.height + row;
        let inside = row < images.height && column < images.width;
        inside.then(|| f64::from(images.values[place * images.width + column]))
    };
    let mut all = Vec::new();
    for image in 0..images.batch {
        for output in 0..shape.outputs {
            for row in 0..rows {
                for column in 0..columns {
                    let mut sum = f64::from(bias[output]);
                    let mut weights =
                        weight[output * channels * shape.kernel[0] * shape.kernel[1]..].iter();
                    for channel in 0..channels {
                        let channel = output / outputs * channels + channel;
                        for y in 0..shape.kernel[0] {
                            for x in 0..shape.kernel[1] {
                                let row = row * shape.stride[0] + y * shape.dilation[0];
                                let column = column * shape.stride[1] + x * shape.dilation[1];
                                let weight = f64::from(*weights.next().unwrap());
                                let value = value(image, channel, row, column);
                                sum += weight * value.unwrap_or(0.0);
                            }
                        }
                    }
                    all.push(sum);
                }
            }
        }
    }
    all
}

/// Compares every kernel of this processor with float64.
fn check(shape: Convolution, size: [usize; 3], keep: f64, seed: u64) {
    let weight = values(shape.weights().unwrap(), keep, seed);
    check_weight(shape, &weight, size, seed);
}

fn check_weight(shape: Convolution, weight: &[f32], size: [usize; 3], seed: u64) {
    let [batch, height, width] = size;
    let input = values(batch * shape.channels * height * width, 1.0, seed + 1);
    let bias = values(shape.outputs, 1.0, seed + 2);
    let images = Images {
        values: &input,
        batch,
        height,
        width,
    };
    let packed = PackedConvolution::new(weight, shape).unwrap();
    let expected = expected(&shape, weight, images, &bias);
    let bound = 1e-6 * (1.0 + shape.inputs().unwrap() as f64);
    for level in Level::available() {
        let convolved = |activation: Activation| {
            let mut output = vec![7.0; 3];
            convolve_with(level, &packed, images, Some(&bias), activation, &mut output);
            output
        };
        let output = convolved(Activation::None);
        assert_eq!(output.len(), expected.len());
        for (place, (found, expected)) in output.iter().zip(&expected).enumerate() {
            let error = (f64::from(*found) - expected).abs();
            assert!(
                error < bound,
                "{level:?} {shape:?} {size:?} {place}: {found} {expected}"
            );
        }
        let zeroed: Vec<f32> = output.iter().map(|value| value.max(0.0)).collect();
        assert_eq!(convolved(Activation::Relu), zeroed);
    }
}

// The kernel [[1, 0], [0, 2]] adds to each value twice the one right below it.
#[test]
fn a_small_convolution() {
    let shape = Convolution {
        kernel: [2, 2],
        padding: [(0, 0); 2],
        ..PLAIN
    };
    let packed = PackedConvolution::new(&[1.0, 0.0, 0.0, 2.0], shape).unwrap();
    let images = Images {
        values: &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        batch: 1,
        height: 3,
        width: 3,
    };
    let mut output = Vec::new();
    convolve(
        &packed,
        images,
        Some(&[100.0]),
        Activation::None,
        &mut output,
    );
    assert_eq!(output, [111.0, 114.0, 120.0, 123.0]);
    convolve(&packed, images, None, Activation::None, &mut output);
    assert_eq!(output, [11.0, 14.0, 20.0, 23.0]);
}

#[test]
fn panels_over_rows_and_images() {
    let many = Convolution {
        channels: 20,
        outputs: 9,
        ..PLAIN
    };
    for size in [
        [1, 8, 8],
        [5, 7, 7],
        [2, 14, 14],
        [3, 16, 16],
        [1, 3, 70],
        [70, 1, 1],
    ] {
        for kernel in [[1, 1], [3, 3]] {
            for stride in [1, 2, 3] {
                for padding in [0, 1] {
                    let shape = Convolution {
                        kernel,
                        stride: [stride; 2],
                        padding: [(padding, padding); 2],
                        ..many
                    };
                    if shape.output_size(size[1], size[2]).is_some() {
                        check(shape, size, 0.3, 1);
                    }
                }
            }
        }
    }
}

#[test]
fn each_channel_by_itself() {
    let shape = Convolution {
        channels: 10,
        outputs: 20,
        groups: 10,
        ..PLAIN
    };
    check(shape, [2, 9, 10], 0.7, 1);
}

#[test]
fn many_outputs_of_several_blocks() {
    let shape = Convolution {
        channels: 3,
        outputs: 900,
        ..PLAIN
    };
    check(shape, [1, 4, 5], 0.2, 1);
}

#[test]
fn nothing_in_or_out_gives_the_bias_or_nothing() {
    for (channels, outputs, batch) in [(0, 3, 2), (3, 0, 2), (3, 2, 0)] {
        let shape = Convolution {
            channels,
            outputs,
            ..PLAIN
        };
        check(shape, [batch, 4, 4], 0.5, 1);
        let strided = Convolution {
            stride: [2, 2],
            ..shape
        };
        check(strided, [batch, 4, 4], 0.5, 1);
    }
    // All of it is padding.
    let wide = Convolution {
        padding: [(2, 2); 2],
        ..PLAIN
    };
    check(wide, [2, 0, 4], 1.0, 1);
    let far = Convolution {
        padding: [(9, 9); 2],
        stride: [2, 2],
        ..PLAIN
    };
    check(far, [2, 3, 3], 1.0, 1);
}

// What is pruned reads nothing: infinite activations reach only outputs that use them.
#[test]
fn infinite_activations_of_pruned_weights_are_not_read() {
    let shape = Convolution {
        channels: 2,
        outputs: 2,
        kernel: [1, 1],
        padding: [(0, 0); 2],
        ..PLAIN
    };
    let packed = PackedConvolution::new(&[0.0, 1.0, 1.0, 0.0], shape).unwrap();
    for level in Level::available() {
        for width in [1, 9, 40, 100] {
            let input = [vec![f32::INFINITY; width], vec![2.0; width]].concat();
            let images = Images {
                values: &input,
                batch: 1,
                height: 1,
                width,
            };
            let mut output = Vec::new();
            convolve_with(level, &packed, images, None, Activation::None, &mut output);
            let expected = [vec![2.0; width], vec![f32::INFINITY; width]].concat();
            assert_eq!(output, expected);
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    for (outputs, size, stride, groups) in [
        (200, [1, 8, 8], 1, 1),
        (70, [3, 14, 14], 1, 2),
        (64, [9, 32, 32], 2, 1),
    ] {
        let shape = Convolution {
            channels: 32,
            outputs,
            stride: [stride; 2],
            groups,
            ..PLAIN
        };
        let [batch, height, width] = size;
        let weight = values(shape.weights().unwrap(), 0.3, 1);
        let input = values(batch * 32 * height * width, 1.0, 2);
        let images = Images {
            values: &input,
            batch,
            height,
            width,
        };
        let convolved = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let mut output = Vec::new();
            pool.expect("a pool").install(|| {
                let packed = PackedConvolution::new(&weight, shape).unwrap();
                convolve(&packed, images, None, Activation::Gelu, &mut output);
            });
            output
        };
        let one = convolved(1);
        for threads in [2, 3] {
            assert!(convolved(threads) == one, "{shape:?} {threads} threads");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn convolutions_are_those_of_float64(
        channels in 1usize..12, outputs in 1usize..12, groups in 1usize..4,
        kernel in (1usize..5, 1usize..5), stride in (1usize..4, 1usize..4),
        dilation in (1usize..4, 1usize..4),
        padding in [(0usize..4, 0usize..4), (0usize..4, 0usize..4)],
        size in [1usize..4, 1usize..24, 1usize..24],
        keep in 0.0f64..1.0, seed in any::<u32>(),
    ) {
        let shape = Convolution {
            channels: channels * groups,
            outputs: outputs * groups,
            kernel: kernel.into(),
            stride: stride.into(),
            padding,
            dilation: dilation.into(),
            groups,
        };
        if shape.output_size(size[1], size[2]).is_some() {
            check(shape, size, keep, u64::from(seed));
        }
    }

    #[test]
    fn channels_and_outputs_that_are_zero_altogether(
        channels in 1usize..40, outputs in 1usize..12, groups in 1usize..4, kernel in 1usize..4,
        stride in 1usize..3, size in [1usize..4, 3usize..24, 3usize..24], keep in 0.0f64..1.0,
        seed in any::<u32>(),
    ) {
        let shape = Convolution {
            channels: channels * groups,
            outputs: outputs * groups,
            kernel: [kernel; 2],
            stride: [stride; 2],
            groups,
            ..PLAIN
        };
        let (read, made) = (values(shape.channels, keep, 7), values(shape.outputs, keep, 8));
        let mut weight = values(shape.weights().unwrap(), 1.0, seed.into());
        for (place, filter) in weight.chunks_exact_mut(kernel * kernel).enumerate() {
            let output = place / channels;
            let channel = output / outputs * channels + place % channels;
            if read[channel] == 0.0 || made[output] == 0.0 {
                filter.fill(0.0);
            }
        }
        check_weight(shape, &weight, size, seed.into());
        let packed = PackedConvolution::new(&weight, shape).unwrap();
        prop_assert_eq!(packed.to_dense(), weight);
    }
}
