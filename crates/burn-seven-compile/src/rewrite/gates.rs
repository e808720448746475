//! Activation functions that Burn writes as several operations: SiLU, hard swish, and GELU by tanh.

use burn_ir::{ActivationOperationIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorIr};
use burn_seven_kernels::Activation;

use super::{burn, is_float, made_by, number};
use crate::graph::{Graph, Node};
use crate::kernels::{Activate, Op};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        let found = graph
            .get(index)
            .and_then(|node| gated(graph, node).or_else(|| gelu(graph, node)));
        if let Some((function, input, output)) = found {
            let node = Node {
                op: Op::Activate(Activate(function)),
                inputs: vec![input],
                outputs: vec![output],
            };
            graph.replace(&[index], node);
        }
    }
    graph.remove_dead();
}

/// `x sigmoid(x)`, or `x` times its hard sigmoid with the numbers of hard swish.
fn gated(graph: &Graph, node: &Node) -> Option<(Activation, TensorIr, TensorIr)> {
    let OperationIr::NumericFloat(_, NumericOperationIr::Mul(product)) = burn(node)? else {
        return None;
    };
    let pairs = [(&product.lhs, &product.rhs), (&product.rhs, &product.lhs)];
    pairs.into_iter().find_map(|(x, gate)| {
        let OperationIr::Activation(operation) = made_by(graph, gate.id)? else {
            return None;
        };
        let (function, input) = match operation {
            ActivationOperationIr::Sigmoid(gate) => (Activation::Silu, &gate.input),
            ActivationOperationIr::HardSigmoid(gate)
                if near(number(gate.alpha), 1.0 / 6.0) && near(number(gate.beta), 0.5) =>
            {
                (Activation::HardSwish, &gate.tensor)
            }
            _ => return None,
        };
        let found = input.id == x.id && is_float(x);
        found.then(|| (function, x.clone(), product.out.clone()))
    })
}

/// Whether a number is this one, but for rounding.
fn near(found: f32, expected: f32) -> bool {
    (found - expected).abs() < 1e-6
}

/// `(x (tanh((x + x^3 0.044715) sqrt(2/pi)) + 1)) 0.5`.
fn gelu(graph: &Graph, node: &Node) -> Option<(Activation, TensorIr, TensorIr)> {
    let scaled = |operation| match operation {
        &OperationIr::NumericFloat(_, NumericOperationIr::MulScalar(ref op)) => {
            Some((op, number(op.rhs)))
        }
        _ => None,
    };
    let (half, factor) = scaled(burn(node)?)?;
    let OperationIr::NumericFloat(_, NumericOperationIr::Mul(product)) =
        made_by(graph, half.lhs.id)?
    else {
        return None;
    };
    let OperationIr::NumericFloat(_, NumericOperationIr::AddScalar(one)) =
        made_by(graph, product.rhs.id)?
    else {
        return None;
    };
    let OperationIr::Float(_, FloatOperationIr::Tanh(tanh)) = made_by(graph, one.lhs.id)? else {
        return None;
    };
    let (inner, root) = scaled(made_by(graph, tanh.input.id)?)?;
    let OperationIr::NumericFloat(_, NumericOperationIr::Add(sum)) = made_by(graph, inner.lhs.id)?
    else {
        return None;
    };
    let (cubic, third) = scaled(made_by(graph, sum.rhs.id)?)?;
    let (base, power) = match made_by(graph, cubic.lhs.id)? {
        OperationIr::Float(_, FloatOperationIr::PowfScalar(power))
        | OperationIr::NumericFloat(_, NumericOperationIr::PowiScalar(power)) => {
            (&power.lhs, number(power.rhs))
        }
        _ => return None,
    };
    let x = &product.lhs;
    let same = sum.lhs.id == x.id && base.id == x.id && is_float(x);
    let numbers = near(factor, 0.5)
        && near(number(one.rhs), 1.0)
        && near(root, 0.797_884_6)
        && near(third, 0.044_715)
        && near(power, 3.0);
    (same && numbers).then(|| (Activation::GeluTanh, x.clone(), half.out.clone()))
}
