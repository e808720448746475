//! Norm by the root of the mean square, which Burn writes as several operations.

use burn_ir::{
    FloatOperationIr, NumericOperationIr, OperationIr, ReduceDimOpIr, TensorId, TensorIr,
};

use super::{burn, constant, is_float, made_by, number};
use crate::graph::{Graph, Node};
use crate::kernels::{Op, RmsNorm};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some(node) = graph.get(index).and_then(|node| norm(graph, node)) {
            graph.replace(&[index], node);
        }
    }
    graph.remove_dead();
}

/// `x / sqrt(mean(x^2) + epsilon) * gamma`, over the last axis.
fn norm(graph: &Graph, node: &Node) -> Option<Node> {
    let OperationIr::NumericFloat(_, NumericOperationIr::Mul(scaled)) = burn(node)? else {
        return None;
    };
    let OperationIr::NumericFloat(_, NumericOperationIr::Div(divided)) =
        made_by(graph, scaled.lhs.id)?
    else {
        return None;
    };
    let OperationIr::Float(_, FloatOperationIr::Sqrt(root)) = made_by(graph, divided.rhs.id)?
    else {
        return None;
    };
    let OperationIr::NumericFloat(_, NumericOperationIr::AddScalar(more)) =
        made_by(graph, root.input.id)?
    else {
        return None;
    };
    let OperationIr::NumericFloat(_, NumericOperationIr::MeanDim(mean)) =
        made_by(graph, more.lhs.id)?
    else {
        return None;
    };
    let x = &divided.lhs;
    let width = *x.shape.iter().last()?;
    let gamma = constant(graph, scaled.rhs.id).filter(|gamma| gamma.len() == width)?;
    let whole = over_last(mean) && squares(graph, mean.input.id, x) && is_float(x);
    let each_row = scaled.rhs.shape.iter().last() == Some(&width) && scaled.out.shape == x.shape;
    (whole && each_row && x.shape.num_elements() > 0).then(|| Node {
        op: Op::RmsNorm(RmsNorm {
            gamma: gamma.into(),
            epsilon: number(more.rhs),
        }),
        inputs: vec![x.clone()],
        outputs: vec![scaled.out.clone()],
    })
}

fn over_last(mean: &ReduceDimOpIr) -> bool {
    mean.axis + 1 == mean.input.shape.num_dims()
}

/// Whether a tensor is `x^2`.
fn squares(graph: &Graph, id: TensorId, x: &TensorIr) -> bool {
    match made_by(graph, id) {
        Some(OperationIr::NumericFloat(_, NumericOperationIr::Mul(product))) => {
            product.lhs.id == x.id && product.rhs.id == x.id
        }
        Some(
            OperationIr::NumericFloat(_, NumericOperationIr::PowiScalar(power))
            | OperationIr::Float(_, FloatOperationIr::PowfScalar(power)),
        ) => power.lhs.id == x.id && number(power.rhs) == 2.0,
        _ => false,
    }
}
