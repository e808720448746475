//! What enters a layer, as rows of samples.

use burn_ir::Conv2dOptionsIr;

/// The patches of images of shape `[batch, channels, height, width]` under a kernel of this size: a row
/// for each place of the output, with the entries of a weight of shape `[out, channels, kernel, kernel]`
/// in their order. Padding is zero.
pub(crate) fn patches(
    images: &[f32],
    shape: [usize; 4],
    kernel: [usize; 2],
    options: &Conv2dOptionsIr,
) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let (stride, padding, dilation) = (options.stride, options.padding, options.dilation);
    let places = |size: usize, dim: usize| {
        let reach = dilation[dim] * (kernel[dim] - 1) + 1;
        match size + padding[dim].0 + padding[dim].1 {
            size if size >= reach => (size - reach) / stride[dim] + 1,
            _ => 0,
        }
    };
    let (rows, columns) = (places(height, 0), places(width, 1));
    let at = |place: usize, step: usize, dim: usize| {
        (place * stride[dim] + step * dilation[dim]).checked_sub(padding[dim].0)
    };
    let mut out = Vec::with_capacity(batch * rows * columns * channels * kernel[0] * kernel[1]);
    for image in 0..batch {
        for row in 0..rows {
            for column in 0..columns {
                for channel in 0..channels {
                    for down in 0..kernel[0] {
                        let y = at(row, down, 0).filter(|&y| y < height);
                        for across in 0..kernel[1] {
                            let x = at(column, across, 1).filter(|&x| x < width);
                            out.push(match (y, x) {
                                (Some(y), Some(x)) => {
                                    images[((image * channels + channel) * height + y) * width + x]
                                }
                                _ => 0.0,
                            });
                        }
                    }
                }
            }
        }
    }
    out
}
