//! Convolutions with a constant weight, and the batch norm that follows them.

use std::sync::Arc;

use burn::tensor::Shape;
use burn_ir::{BatchNormOpIr, ModuleOperationIr, OperationIr, TensorIr};
use burn_seven_cpu::sparse;
use burn_seven_kernels::Activation;

use super::{burn, constant, derived, is_float, number};
use crate::graph::{Graph, Node};
use crate::kernels::{Convolution, Filter, Op};
use crate::value::Value;

pub(super) fn rewrite(graph: &mut Graph, fuse: bool) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(|node| convolution(graph, node)) {
            graph.replace(&[index], node);
        }
    }
    if !fuse {
        return;
    }
    for index in graph.places() {
        if let Some((old, node)) = normed(graph, index) {
            graph.replace(&old, node);
        }
    }
}

fn convolution(graph: &Graph, node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let (input, weight, bias, output, options) = match operation {
        OperationIr::Module(ModuleOperationIr::Conv2d(op)) => {
            let options = &op.options;
            let rest = (
                options.stride,
                options.padding,
                options.dilation,
                options.groups,
            );
            (&op.x, &op.weight, &op.bias, &op.out, rest)
        }
        OperationIr::Module(ModuleOperationIr::Conv1d(op)) => {
            let options = &op.options;
            let [stride] = options.stride;
            let [padding] = options.padding;
            let [dilation] = options.dilation;
            let padding = [(0, 0), padding];
            let rest = ([1, stride], padding, [1, dilation], options.groups);
            (&op.x, &op.weight, &op.bias, &op.out, rest)
        }
        _ => return None,
    };
    let value = graph.constants.get(&weight.id)?;
    let [outputs, channels, kernel @ ..] = &weight.shape.to_vec()[..] else {
        return None;
    };
    let kernel = match *kernel {
        [width] => [1, width],
        [height, width] => [height, width],
        _ => return None,
    };
    let (stride, padding, dilation, groups) = options;
    let shape = sparse::Convolution {
        channels: channels * groups,
        outputs: *outputs,
        kernel,
        stride,
        padding,
        dilation,
        groups,
    };
    let [_, height, width] = Convolution::sizes(&input.shape)?;
    let usable = shape.output_size(height, width).is_some()
        && output.shape.num_elements() > 0
        && [input, weight, output].into_iter().all(is_float);
    if !usable {
        return None;
    }
    let bias = match bias {
        None => None,
        Some(bias) => Some(Arc::from(constant(graph, bias.id)?)),
    };
    let filter = Shape::new([*outputs, *channels, kernel[0], kernel[1]]);
    let path = graph.paths.get(&weight.id).cloned();
    Some(Node {
        op: Op::Convolution(Convolution {
            filter: Filter::Given(value.clone().contiguous().reshaped(&filter)),
            shape,
            bias,
            activation: Activation::None,
            normed: false,
            // One that does not lie in order was copied.
            derived: derived(path.as_deref()) || !value.layout().is_contiguous(),
            path: path.unwrap_or_else(|| "a constant".to_string()),
        }),
        inputs: vec![input.clone()],
        outputs: vec![output.clone()],
    })
}

/// Batch norm multiplies each channel by a constant and adds another one: so does a convolution
/// with another weight and bias.
fn normed(graph: &Graph, index: usize) -> Option<(Vec<usize>, Node)> {
    let node = graph.get(index)?;
    let Op::Convolution(convolution) = &node.op else {
        return None;
    };
    let (place, user) = graph.only_user(node.outputs[0].id)?;
    let operation = burn(user)?;
    let OperationIr::Module(ModuleOperationIr::BatchNorm(norm)) = operation else {
        return None;
    };
    let Filter::Given(filter) = &convolution.filter else {
        return None;
    };
    let channels = scales(graph, norm, &node.outputs[0])?;
    let each = filter.shape().num_elements() / channels.len();
    let rows = filter.floats().chunks(each);
    let values = rows.zip(&channels).flat_map(|(row, (factor, _))| {
        row.iter()
            .map(move |value| (f64::from(*value) * factor) as f32)
    });
    let filter = Value::from_floats(values.collect(), filter.shape().clone());
    let bias = channels
        .iter()
        .enumerate()
        .map(|(channel, (factor, shift))| {
            let bias = convolution.bias.as_ref().map_or(0.0, |bias| bias[channel]);
            (f64::from(bias) * factor + shift) as f32
        });
    let op = Op::Convolution(Convolution {
        filter: Filter::Given(filter),
        bias: Some(bias.collect()),
        normed: true,
        derived: true,
        ..convolution.clone()
    });
    let node = Node {
        op,
        inputs: node.inputs.clone(),
        outputs: vec![norm.out.clone()],
    };
    Some((vec![index, place], node))
}

/// What each channel is multiplied by, and what is added to it then.
fn scales(graph: &Graph, norm: &BatchNormOpIr, x: &TensorIr) -> Option<Vec<(f64, f64)>> {
    let channels = x.shape.to_vec()[1];
    let of = |ir: &TensorIr| constant(graph, ir.id).filter(|values| values.len() == channels);
    let (gamma, beta) = (of(&norm.gamma)?, of(&norm.beta)?);
    let (mean, variance) = (of(&norm.mean)?, of(&norm.variance)?);
    let epsilon = f64::from(number(norm.epsilon));
    let scale = |channel: usize| {
        let deviation = (f64::from(variance[channel]) + epsilon).sqrt();
        let factor = f64::from(gamma[channel]) / deviation;
        (
            factor,
            f64::from(beta[channel]) - f64::from(mean[channel]) * factor,
        )
    };
    Some((0..channels).map(scale).collect())
}
