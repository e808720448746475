//! Activation functions: of a product, in its own pass, or by themselves.

use burn_ir::{ActivationOperationIr, FloatOperationIr, OperationIr, TensorIr};
use burn_seven_kernels::Activation;

use super::{burn, is_float};
use crate::graph::{Graph, Node};
use crate::kernels::{Activate, Op};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(alone) {
            graph.replace(&[index], node);
        }
    }
    for index in graph.places() {
        if let Some((old, node)) = of_product(graph, index) {
            graph.replace(&old, node);
        }
    }
}

/// The function that an operation is.
fn function(operation: &OperationIr) -> Option<(Activation, &TensorIr, &TensorIr)> {
    let (function, unary) = match operation {
        OperationIr::Activation(ActivationOperationIr::Relu(unary)) => (Activation::Relu, unary),
        OperationIr::Activation(ActivationOperationIr::Gelu(unary)) => (Activation::Gelu, unary),
        OperationIr::Activation(ActivationOperationIr::Sigmoid(unary)) => {
            (Activation::Sigmoid, unary)
        }
        OperationIr::Float(_, FloatOperationIr::Tanh(unary)) => (Activation::Tanh, unary),
        _ => return None,
    };
    is_float(&unary.input).then_some((function, &unary.input, &unary.out))
}

fn alone(node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let (function, input, output) = function(operation)?;
    Some(Node {
        op: Op::Activate(Activate(function)),
        inputs: vec![input.clone()],
        outputs: vec![output.clone()],
    })
}

fn of_product(graph: &Graph, index: usize) -> Option<(Vec<usize>, Node)> {
    let node = graph.get(index)?;
    let (mut old, op) = match &node.op {
        Op::Linear(linear) if linear.activation == Activation::None => {
            let (old, _) = graph.only_user_of_rows(&node.outputs[0])?;
            let mut linear = linear.clone();
            linear.activation = after(graph, &old)?;
            (old, Op::Linear(linear))
        }
        Op::Convolution(convolution) if convolution.activation == Activation::None => {
            let old = vec![graph.only_user(node.outputs[0].id)?.0];
            let mut convolution = convolution.clone();
            convolution.activation = after(graph, &old)?;
            (old, Op::Convolution(convolution))
        }
        _ => return None,
    };
    let node = Node {
        op,
        inputs: node.inputs.clone(),
        outputs: graph.get(*old.last()?)?.outputs.clone(),
    };
    old.push(index);
    Some((old, node))
}

/// The function that the last of these nodes is.
fn after(graph: &Graph, nodes: &[usize]) -> Option<Activation> {
    match &graph.get(*nodes.last()?)?.op {
        Op::Activate(Activate(function)) => Some(*function),
        _ => None,
    }
}
