//! Rows of a constant table.

use burn_ir::{ModuleOperationIr, OperationIr};

use super::{burn, is_float};
use crate::graph::{Graph, Node};
use crate::kernels::{Embedding, Op};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(|node| embedding(graph, node)) {
            graph.replace(&[index], node);
        }
    }
}

fn embedding(graph: &Graph, node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let OperationIr::Module(ModuleOperationIr::Embedding(layer)) = operation else {
        return None;
    };
    let table = graph.constants.get(&layer.weights.id)?;
    is_float(&layer.weights).then(|| Node {
        op: Op::Embedding(Embedding {
            table: table.clone().contiguous(),
        }),
        inputs: vec![layer.indices.clone()],
        outputs: vec![layer.out.clone()],
    })
}
