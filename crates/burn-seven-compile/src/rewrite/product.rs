//! Products of rows with a constant weight.

use burn::backend::flex::Layout;
use burn::tensor::Shape;
use burn_ir::{FloatOperationIr, ModuleOperationIr, OperationIr, TensorIr};
use burn_seven_kernels::Activation;

use super::{burn, constant, derived, is_float};
use crate::graph::{Graph, Node};
use crate::kernels::{Linear, Op, Weight};

/// `input weight`, or a linear layer, becomes one kernel if the weight is a constant of rank 2, or
/// more with all but the last two axes of size 1.
pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(|node| linear(graph, node)) {
            graph.replace(&[index], node);
        }
    }
}

fn linear(graph: &Graph, node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let (input, weight, bias, output) = match operation {
        OperationIr::Float(_, FloatOperationIr::Matmul(product)) => {
            (&product.lhs, &product.rhs, None, &product.out)
        }
        OperationIr::Module(ModuleOperationIr::Linear(layer)) => {
            (&layer.x, &layer.weight, layer.bias.as_ref(), &layer.out)
        }
        _ => return None,
    };
    let value = graph.constants.get(&weight.id)?;
    let rank = weight.shape.num_dims();
    let shape = [weight.shape[rank - 2], weight.shape[rank - 1]];
    let shared = weight.shape.num_elements() == shape[0] * shape[1];
    let of_rows = shared
        && rows(input, shape[0]) == rows(output, shape[1])
        && shape.iter().all(|size| *size > 0)
        && [input, weight, output].into_iter().all(is_float);
    if !of_rows {
        return None;
    }
    // A transposed weight stays a view: dense products take it as it is.
    let strides = &value.layout().strides()[rank - 2..];
    let layout = Layout::new(
        Shape::new(shape),
        strides.to_vec(),
        value.layout().start_offset(),
    );
    let bias = match bias {
        None => None,
        Some(bias) => Some(constant(graph, bias.id)?.into()),
    };
    let path = graph.paths.get(&weight.id).cloned();
    Some(Node {
        op: Op::Linear(Linear {
            weight: Weight::Given(vec![value.clone().with_layout(layout)]),
            shape,
            bias,
            activation: Activation::None,
            parts: vec![shape[1]],
            derived: derived(path.as_deref()),
            paths: vec![path.unwrap_or_else(|| "a constant".to_string())],
        }),
        inputs: vec![origin(graph, input).clone()],
        outputs: vec![output.clone()],
    })
}

/// The tensor whose rows these are, before reshapes that keep the last axis.
fn origin<'a>(graph: &'a Graph, mut ir: &'a TensorIr) -> &'a TensorIr {
    while let Some((_, node)) = graph.producer(ir.id)
        && let Op::View(view) = &node.op
        && view.keeps_rows(&node.inputs[0], &node.outputs[0])
    {
        ir = &node.inputs[0];
    }
    ir
}

/// How many rows of this width there are, if the last axis is such a row.
fn rows(ir: &TensorIr, width: usize) -> Option<usize> {
    let fits = ir.shape.iter().last() == Some(&width);
    (fits && width > 0).then(|| ir.shape.num_elements() / width)
}
