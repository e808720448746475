//! Layer norm, with the sum before it.

use burn_ir::{ModuleOperationIr, NumericOperationIr, OperationIr, TensorIr};

use super::{burn, constant, is_float, number};
use crate::graph::{Graph, Node};
use crate::kernels::{Norm, Op};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some((old, node)) = norm(graph, index) {
            graph.replace(&old, node);
        }
    }
}

fn norm(graph: &Graph, index: usize) -> Option<(Vec<usize>, Node)> {
    let operation = burn(graph.get(index)?)?;
    let OperationIr::Module(ModuleOperationIr::LayerNorm(layer)) = operation else {
        return None;
    };
    if !is_float(&layer.input) || layer.input.shape.num_elements() == 0 {
        return None;
    }
    let beta = match &layer.beta {
        None => None,
        Some(beta) => Some(constant(graph, beta.id)?.into()),
    };
    let op = Op::Norm(Norm {
        gamma: constant(graph, layer.gamma.id)?.into(),
        beta,
        epsilon: number(layer.epsilon),
    });
    let Some((add, a, b)) = sum(graph, &layer.input) else {
        let node = Node {
            op,
            inputs: vec![layer.input.clone()],
            outputs: vec![layer.out.clone()],
        };
        return Some((vec![index], node));
    };
    let mut outputs = vec![layer.out.clone()];
    if graph.uses(layer.input.id) > 1 {
        // Others read the sum, and must come after it.
        if graph.users(layer.input.id).iter().any(|user| *user < index) {
            let node = Node {
                op,
                inputs: vec![layer.input.clone()],
                outputs,
            };
            return Some((vec![index], node));
        }
        outputs.push(layer.input.clone());
    }
    let node = Node {
        op,
        inputs: vec![a.clone(), b.clone()],
        outputs,
    };
    Some((vec![add, index], node))
}

/// The two tensors of one shape whose sum this is.
fn sum<'a>(graph: &'a Graph, ir: &TensorIr) -> Option<(usize, &'a TensorIr, &'a TensorIr)> {
    let (index, node) = graph.producer(ir.id)?;
    let operation = burn(node)?;
    let OperationIr::NumericFloat(_, NumericOperationIr::Add(add)) = operation else {
        return None;
    };
    let alike = add.lhs.shape == add.out.shape && add.rhs.shape == add.out.shape;
    alike.then_some((index, &add.lhs, &add.rhs))
}
