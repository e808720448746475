//! Softmax over the last axis.

use burn_ir::{ActivationOperationIr, OperationIr};

use super::{burn, is_float};
use crate::graph::{Graph, Node};
use crate::kernels::{Op, Softmax};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(softmax) {
            graph.replace(&[index], node);
        }
    }
}

fn softmax(node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let OperationIr::Activation(ActivationOperationIr::Softmax(softmax)) = operation else {
        return None;
    };
    let last = softmax.axis + 1 == softmax.input.shape.num_dims();
    (last && is_float(&softmax.input)).then(|| Node {
        op: Op::Softmax(Softmax),
        inputs: vec![softmax.input.clone()],
        outputs: vec![softmax.out.clone()],
    })
}
