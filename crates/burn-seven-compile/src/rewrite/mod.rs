//! Patterns on the graph and the kernels that take their places, a file each.

mod activation;
mod attention;
mod bias;
mod convolution;
mod elementwise;
mod embedding;
mod gates;
mod merge;
mod norm;
mod pooling;
mod product;
mod rms_norm;
mod softmax;
mod views;

use burn::tensor::DType;
use burn_ir::{OperationIr, ScalarIr, TensorId, TensorIr};

use crate::config::{CompileConfig, Products};
use crate::fold;
use crate::graph::{Graph, Node};
use crate::kernels::Op;

/// Rewrites the graph as the configuration says. What products with constants are run by is chosen
/// later.
pub(crate) fn rewrite(graph: &mut Graph, config: &CompileConfig) {
    if config.fuse || config.products != Products::Dense {
        views::rewrite(graph);
        product::rewrite(graph);
        convolution::rewrite(graph, config.fuse);
    }
    if config.fuse {
        attention::rewrite(graph);
        gates::rewrite(graph);
        rms_norm::rewrite(graph);
        bias::rewrite(graph);
        activation::rewrite(graph);
        norm::rewrite(graph);
        softmax::rewrite(graph);
        elementwise::rewrite(graph);
        embedding::rewrite(graph);
        pooling::rewrite(graph);
        merge::rewrite(graph);
    }
    graph.remove_dead();
}

/// The values of a constant of float32.
fn constant(graph: &Graph, id: TensorId) -> Option<Vec<f32>> {
    let value = graph.constants.get(&id)?;
    let values = (value.dtype() == DType::F32).then(|| value.clone().contiguous())?;
    Some(values.floats().to_vec())
}

/// Whether a constant of this path is computed of parameters, or no parameter at all.
fn derived(path: Option<&str>) -> bool {
    path.is_none_or(|path| path.starts_with(fold::FROM))
}

/// A constant's one value, of a tensor of any shape.
fn number(scalar: ScalarIr) -> f32 {
    scalar.elem::<f32>()
}

/// The operation of Burn's that a node is.
fn burn(node: &Node) -> Option<&OperationIr> {
    match &node.op {
        Op::Burn(operation) => Some(operation),
        _ => None,
    }
}

/// The operation of Burn's that makes a tensor.
fn made_by(graph: &Graph, id: TensorId) -> Option<&OperationIr> {
    burn(graph.producer(id)?.1)
}

fn is_float(ir: &TensorIr) -> bool {
    ir.dtype == DType::F32
}
