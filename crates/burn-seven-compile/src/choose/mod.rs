//! Whether products with a weight skip its zeros, by trying both.

mod convolution;
mod identity;
mod linear;
mod trial;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use burn_seven_cpu::sparse::PackedConvolution;

use self::identity::Identity;
use crate::config::{CompileConfig, Products};
use crate::graph::Graph;
use crate::kernels::Op;
use crate::value::Value;

/// What a product took, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measured {
    pub dense: f64,
    pub sparse: f64,
}

/// How a product with a weight is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductKind {
    /// As Burn runs it.
    Dense,
    /// Dense, without the inputs and outputs whose weights are all 0.
    Compact,
    /// Without zeros.
    Sparse,
}

/// What was chosen for a product.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// The weights in it, by their paths.
    pub paths: Vec<String>,
    /// The weight's shape.
    pub shape: Vec<usize>,
    /// How many rows, or positions of the output, it is multiplied with.
    pub rows: usize,
    pub nonzeros: usize,
    pub kind: ProductKind,
    /// Whether its weights were rounded.
    pub rounded: bool,
    /// For so many rows, where both were tried.
    pub measured: Option<Measured>,
}

/// What is kept from one shape of the inputs to the next.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// With the weights themselves, so that their memory is not another's meanwhile.
    weights: Mutex<HashMap<Identity, (Vec<Value>, linear::Form)>>,
    filters: Mutex<HashMap<Identity, (Value, Arc<PackedConvolution>)>>,
    times: Mutex<HashMap<Vec<usize>, Measured>>,
    /// Bytes of all weights of linear layers.
    bytes: OnceLock<usize>,
}

/// Weights of fewer bytes may stay in the caches from run to run.
const CACHED: usize = 8 << 20;

impl Known {
    /// Whether a run finds its weights in memory rather than in the caches.
    fn weights_leave_caches(&self) -> bool {
        self.bytes.get().is_some_and(|bytes| *bytes > CACHED)
    }

    /// Measured times by what they are of, or measured now.
    fn times(&self, of: Vec<usize>, measure: impl FnOnce() -> Measured) -> Measured {
        let times = || self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let known = times().get(&of).copied();
        known.unwrap_or_else(|| {
            let measured = measure();
            times().insert(of, measured);
            measured
        })
    }
}

/// Chooses for every product of the graph, as the configuration says.
pub(crate) fn choose(graph: &mut Graph, config: &CompileConfig, known: &Known) -> Vec<Choice> {
    known.bytes.get_or_init(|| {
        let entries = graph.nodes().map(|(_, node)| match &node.op {
            Op::Linear(op) => op.shape[0] * op.shape[1],
            _ => 0,
        });
        entries.sum::<usize>() * size_of::<f32>()
    });
    let mut choices = Vec::new();
    for index in graph.places() {
        let input = graph.get(index).and_then(|node| node.inputs.first());
        let Some(input) = input.map(|ir| ir.shape.clone()) else {
            continue;
        };
        let choice = match graph.op_mut(index) {
            Some(Op::Linear(op)) => linear::choose(op, &input, config, known),
            Some(Op::Convolution(op)) => convolution::choose(op, &input, config.products, known),
            _ => None,
        };
        choices.extend(choice);
    }
    choices
}

/// Whether a weight with so many non-zeros is worth packing, if it is from this share of zeros on.
fn packs(products: Products, nonzeros: usize, entries: usize, from: f64) -> bool {
    match products {
        Products::Measured => 1.0 - nonzeros as f64 / entries.max(1) as f64 >= from,
        Products::Sparse => true,
        Products::Dense => false,
    }
}
