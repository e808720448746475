//! Activation functions: of a product, in its own pass, or by themselves.

use burn_ir::{ActivationOperationIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorIr};
use burn_seven_kernels::Activation;

use super::{burn, is_float, number};
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

/// The function that an operation is, what it reads and what it makes.
fn function(operation: &OperationIr) -> Option<(Activation, &TensorIr, &TensorIr)> {
    let found = match operation {
        OperationIr::Activation(operation) => match operation {
            ActivationOperationIr::Relu(op) => (Activation::Relu, &op.input, &op.out),
            ActivationOperationIr::Gelu(op) => (Activation::Gelu, &op.input, &op.out),
            ActivationOperationIr::Sigmoid(op) => (Activation::Sigmoid, &op.input, &op.out),
            ActivationOperationIr::HardSigmoid(op) => {
                let (alpha, beta) = (number(op.alpha), number(op.beta));
                let function = Activation::HardSigmoid { alpha, beta };
                (function, &op.tensor, &op.out)
            }
            _ => return None,
        },
        OperationIr::Float(_, FloatOperationIr::Tanh(op)) => (Activation::Tanh, &op.input, &op.out),
        OperationIr::NumericFloat(_, operation) => {
            let (min, max, input, output) = clamp(operation)?;
            (Activation::Clamp { min, max }, input, output)
        }
        _ => return None,
    };
    is_float(found.1).then_some(found)
}

/// The bounds of a clamp. Where the lower one is greater, or one is NaN, it is left to Burn.
fn clamp(operation: &NumericOperationIr) -> Option<(f32, f32, &TensorIr, &TensorIr)> {
    let (min, max, input, output) = match operation {
        NumericOperationIr::Clamp(op) => (number(op.min), number(op.max), &op.tensor, &op.out),
        NumericOperationIr::ClampMin(op) => (number(op.rhs), f32::INFINITY, &op.lhs, &op.out),
        NumericOperationIr::ClampMax(op) => (f32::NEG_INFINITY, number(op.rhs), &op.lhs, &op.out),
        _ => return None,
    };
    (min <= max).then_some((min, max, input, output))
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
