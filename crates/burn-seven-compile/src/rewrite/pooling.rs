//! Pooling over the planes of images.

use burn_ir::{ModuleOperationIr, OperationIr, TensorIr};
use burn_seven_cpu::fused::{Fold, Window};

use super::{burn, is_float};
use crate::graph::{Graph, Node};
use crate::kernels::{Op, Pooling};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(pooling) {
            graph.replace(&[index], node);
        }
    }
}

fn pooling(node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let (window, fold, input, output) = match operation {
        OperationIr::Module(ModuleOperationIr::MaxPool2d(op)) => {
            let window = Window {
                kernel: op.kernel_size,
                stride: op.stride,
                padding: op.padding,
                dilation: op.dilation,
            };
            (window, Fold::Max, &op.x, &op.out)
        }
        // Windows that go beyond the padding have means of their own kind.
        OperationIr::Module(ModuleOperationIr::AvgPool2d(op)) if !op.ceil_mode => {
            let window = Window {
                kernel: op.kernel_size,
                stride: op.stride,
                padding: op.padding,
                dilation: [1, 1],
            };
            let padded = op.count_include_pad;
            (window, Fold::Average { padded }, &op.x, &op.out)
        }
        OperationIr::Module(ModuleOperationIr::AdaptiveAvgPool2d(op)) => {
            let window = adaptive(&op.x, &op.out)?;
            (window, Fold::Average { padded: true }, &op.x, &op.out)
        }
        _ => return None,
    };
    let sizes = input.shape.num_elements() > 0 && output.shape.num_elements() > 0;
    (sizes && is_float(input)).then(|| Node {
        op: Op::Pooling(Pooling { window, fold }),
        inputs: vec![input.clone()],
        outputs: vec![output.clone()],
    })
}

/// The window of adaptive pooling, where the output's size divides the input's.
fn adaptive(input: &TensorIr, output: &TensorIr) -> Option<Window> {
    let [_, _, height, width] = input.shape.dims();
    let [_, _, rows, columns] = output.shape.dims();
    if rows == 0 || columns == 0 {
        return None;
    }
    let kernel = [height / rows, width / columns];
    (kernel[0] * rows == height && kernel[1] * columns == width).then_some(Window {
        kernel,
        stride: kernel,
        padding: [0, 0],
        dilation: [1, 1],
    })
}
