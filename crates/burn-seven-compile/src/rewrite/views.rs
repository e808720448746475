//! Reshapes and transpositions copy nothing.

use burn_ir::{BaseOperationIr, OperationIr};

use crate::graph::Graph;
use crate::kernels::{Op, View};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        let Some(op) = graph.op_mut(index) else {
            continue;
        };
        let Op::Burn(operation) = op else { continue };
        let (OperationIr::BaseFloat(base)
        | OperationIr::BaseInt(base)
        | OperationIr::BaseBool(base)) = &**operation
        else {
            continue;
        };
        let view = match base {
            BaseOperationIr::Reshape(_) => View::Reshape,
            BaseOperationIr::SwapDims(swap) => View::Swap(swap.dim1, swap.dim2),
            BaseOperationIr::Permute(permute) => View::Permute(permute.axes.clone()),
            _ => continue,
        };
        *op = Op::View(view);
    }
}
