//! A constant that is added to each row of a product.

use burn_ir::{NumericOperationIr, OperationIr};
use burn_seven_kernels::Activation;

use super::{burn, constant};
use crate::graph::{Graph, Node};
use crate::kernels::Op;

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some((old, node)) = fused(graph, index) {
            graph.replace(&old, node);
        }
    }
}

fn fused(graph: &Graph, index: usize) -> Option<(Vec<usize>, Node)> {
    let node = graph.get(index)?;
    let Op::Linear(linear) = &node.op else {
        return None;
    };
    if linear.bias.is_some() || linear.activation != Activation::None {
        return None;
    }
    let (mut old, product) = graph.only_user_of_rows(&node.outputs[0])?;
    let user = graph.get(*old.last()?)?;
    let operation = burn(user)?;
    let OperationIr::NumericFloat(_, NumericOperationIr::Add(add)) = operation else {
        return None;
    };
    let other = match add.lhs.id == product.id {
        true => &add.rhs,
        false => &add.lhs,
    };
    let outputs = linear.shape[1];
    let each_row = other.shape.num_elements() == outputs
        && other.shape.iter().last() == Some(&outputs)
        && add.out.shape == product.shape;
    if !each_row {
        return None;
    }
    let mut linear = linear.clone();
    linear.bias = Some(constant(graph, other.id)?.into());
    old.push(index);
    let node = Node {
        op: Op::Linear(linear),
        inputs: node.inputs.clone(),
        outputs: vec![add.out.clone()],
    };
    Some((old, node))
}
