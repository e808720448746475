//! Sums and products of two tensors of one shape, and the activation function that follows: the end
//! of a residual block is one pass.

use burn_ir::{NumericOperationIr, OperationIr};
use burn_seven_kernels::Activation;

use super::{burn, is_float};
use crate::graph::{Graph, Node};
use crate::kernels::{Activate, Elementwise, ElementwiseKind, Op};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(elementwise) {
            graph.replace(&[index], node);
        }
    }
    for index in graph.places() {
        if let Some((after, node)) = activated(graph, index) {
            graph.replace(&[index, after], node);
        }
    }
}

fn elementwise(node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let (kind, binary) = match operation {
        OperationIr::NumericFloat(_, NumericOperationIr::Add(binary)) => {
            (ElementwiseKind::Sum, binary)
        }
        OperationIr::NumericFloat(_, NumericOperationIr::Mul(binary)) => {
            (ElementwiseKind::Product, binary)
        }
        _ => return None,
    };
    let alike = binary.lhs.shape == binary.out.shape && binary.rhs.shape == binary.out.shape;
    (alike && is_float(&binary.lhs) && is_float(&binary.rhs)).then(|| Node {
        op: Op::Elementwise(Elementwise {
            kind,
            activation: Activation::None,
        }),
        inputs: vec![binary.lhs.clone(), binary.rhs.clone()],
        outputs: vec![binary.out.clone()],
    })
}

/// The sum or product at this place with the function that alone reads it, and where that is.
fn activated(graph: &Graph, index: usize) -> Option<(usize, Node)> {
    let node = graph.get(index)?;
    let Op::Elementwise(Elementwise {
        kind,
        activation: Activation::None,
    }) = node.op
    else {
        return None;
    };
    let (after, user) = graph.only_user(node.outputs[0].id)?;
    let Op::Activate(Activate(activation)) = user.op else {
        return None;
    };
    let node = Node {
        op: Op::Elementwise(Elementwise { kind, activation }),
        inputs: node.inputs.clone(),
        outputs: user.outputs.clone(),
    };
    Some((after, node))
}
