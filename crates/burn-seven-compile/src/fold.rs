//! From a captured forward pass to a graph: what depends on constants alone is computed once.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::backend::flex::FlexTensor;
use burn_ir::{BaseOperationIr, FloatOperationIr, NumericOperationIr, OperationIr, TensorId};

use crate::capture::Captured;
use crate::graph::{Graph, Node};
use crate::interpreter::{Interpreter, prepare};
use crate::value::Value;

/// The graph of a captured forward pass. An operation on constants that fails is left as it is: it may
/// be of no use to any output, and else it is run, and fails, as any other.
pub(crate) fn graph(captured: &Captured) -> Graph {
    folded(captured, &captured.operations)
}

/// A tensor's value, where it depends on constants alone.
pub(crate) fn value(captured: &Captured, id: TensorId) -> Option<Value> {
    let (mut needed, mut operations) = (HashSet::from([id]), Vec::new());
    for operation in captured.operations.iter().rev() {
        let made = operation.outputs().any(|ir| needed.contains(&ir.id));
        if made && !given(captured, operation) {
            needed.extend(operation.inputs().map(|ir| ir.id));
            operations.push(operation);
        }
    }
    if captured.inputs.iter().any(|input| needed.contains(input)) {
        return None;
    }
    folded(captured, operations.into_iter().rev())
        .constants
        .remove(&id)
}

/// Whether what an operation makes is known without it: a parameter or an input.
fn given(captured: &Captured, operation: &OperationIr) -> bool {
    operation.outputs().any(|ir| {
        captured.parameters.contains_key(&ir.id)
            || captured.data.contains_key(&ir.id)
            || captured.inputs.contains(&ir.id)
    })
}

fn folded<'a>(captured: &Captured, operations: impl IntoIterator<Item = &'a OperationIr>) -> Graph {
    let mut graph = Graph::default();
    graph.inputs.clone_from(&captured.inputs);
    graph.outputs.clone_from(&captured.outputs);
    graph.paths.clone_from(&captured.paths);
    graph.constants.clone_from(&captured.parameters);
    for (id, data) in &captured.data {
        let value = Value(FlexTensor::from_data(data.clone()));
        graph.constants.insert(*id, value);
    }
    let mut interpreter = Interpreter::default();
    for operation in operations {
        let unneeded = matches!(operation, OperationIr::Init(_) | OperationIr::Drop(_));
        if unneeded || given(captured, operation) {
            continue;
        }
        let mut operation = operation.clone();
        prepare(&mut operation);
        let inputs: Option<Vec<Value>> = operation
            .inputs()
            .map(|ir| graph.constants.get(&ir.id).cloned())
            .collect();
        match inputs {
            Some(inputs) if folds(&operation) => {
                let run = || interpreter.run(&operation, inputs);
                let Ok(values) = catch_unwind(AssertUnwindSafe(run)) else {
                    interpreter = Interpreter::default();
                    graph.push(Node::burn(operation));
                    continue;
                };
                let path = path(&operation, &graph);
                for (ir, value) in operation.outputs().zip(values) {
                    graph.constants.insert(ir.id, value);
                    if let Some(path) = &path {
                        graph.paths.insert(ir.id, path.clone());
                    }
                }
            }
            _ => graph.push(Node::burn(operation)),
        }
    }
    graph
}

/// Whether an operation draws random numbers.
pub(crate) fn draws(operation: &OperationIr) -> bool {
    matches!(
        operation,
        OperationIr::Float(_, FloatOperationIr::Random(_))
            | OperationIr::NumericInt(_, NumericOperationIr::IntRandom(_))
            | OperationIr::NumericFloat(_, NumericOperationIr::IntRandom(_))
    )
}

/// Whether an operation gives the same each time.
fn folds(operation: &OperationIr) -> bool {
    let other = matches!(
        operation,
        OperationIr::Custom(_) | OperationIr::Distributed(_)
    );
    !draws(operation) && !other && operation.outputs().next().is_some()
}

/// What paths of constants begin with that are computed of parameters.
pub(crate) const FROM: &str = "from ";

/// What a constant is called that is made of others: by the one parameter that it is a view of, or
/// by all that are in it.
fn path(operation: &OperationIr, graph: &Graph) -> Option<String> {
    let from: Vec<&str> = operation
        .inputs()
        .filter_map(|ir| graph.paths.get(&ir.id).map(String::as_str))
        .collect();
    let view = matches!(
        operation,
        OperationIr::BaseFloat(
            BaseOperationIr::Reshape(_)
                | BaseOperationIr::SwapDims(_)
                | BaseOperationIr::Permute(_)
                | BaseOperationIr::Expand(_)
        )
    );
    match from[..] {
        [] => None,
        [one] if view => Some(one.to_string()),
        _ => Some(format!("{FROM}{}", from.join(", "))),
    }
}
