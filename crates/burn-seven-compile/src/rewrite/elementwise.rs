//! Sums and products of two tensors of one shape.

use burn_ir::{NumericOperationIr, OperationIr};

use super::{burn, is_float};
use crate::graph::{Graph, Node};
use crate::kernels::{Elementwise, Op};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(elementwise) {
            graph.replace(&[index], node);
        }
    }
}

fn elementwise(node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let (kind, binary) = match operation {
        OperationIr::NumericFloat(_, NumericOperationIr::Add(binary)) => (Elementwise::Sum, binary),
        OperationIr::NumericFloat(_, NumericOperationIr::Mul(binary)) => {
            (Elementwise::Product, binary)
        }
        _ => return None,
    };
    let alike = binary.lhs.shape == binary.out.shape && binary.rhs.shape == binary.out.shape;
    (alike && is_float(&binary.lhs) && is_float(&binary.rhs)).then(|| Node {
        op: Op::Elementwise(kind),
        inputs: vec![binary.lhs.clone(), binary.rhs.clone()],
        outputs: vec![binary.out.clone()],
    })
}
