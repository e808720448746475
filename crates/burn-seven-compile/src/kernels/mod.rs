//! What a graph is made of: Burn's operations, and ours in their places.

mod activate;
mod attention;
mod compact;
mod convolution;
mod elementwise;
mod embedding;
mod linear;
mod norm;
mod pooling;
mod rms_norm;
mod softmax;
mod view;

pub(crate) use activate::Activate;
pub(crate) use attention::{Attention, MaskKind};
pub(crate) use compact::Compact;
pub(crate) use convolution::{Convolution, Filter};
pub(crate) use elementwise::{Elementwise, ElementwiseKind};
pub(crate) use embedding::Embedding;
pub(crate) use linear::{Linear, Weight};
pub(crate) use norm::Norm;
pub(crate) use pooling::Pooling;
pub(crate) use rms_norm::RmsNorm;
pub(crate) use softmax::Softmax;
pub(crate) use view::View;

use std::fmt::Debug;

use burn::tensor::Shape;
use burn_ir::OperationIr;

use crate::interpreter;
use crate::pool::Pool;
use crate::report::BURN;
use crate::value::Value;

/// An operation of ours.
pub(crate) trait Kernel: Debug + Send + Sync {
    /// What the report calls it.
    fn name(&self) -> String;

    /// The outputs, of these shapes. Inputs that no one else holds may be written in place.
    fn run(&self, inputs: Vec<Value>, shapes: &[Shape], pool: &Pool) -> Vec<Value>;
}

/// An operation of a graph.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// One that Burn runs.
    Burn(Box<OperationIr>),
    View(View),
    Linear(Linear),
    Activate(Activate),
    Elementwise(Elementwise),
    Norm(Norm),
    RmsNorm(RmsNorm),
    Softmax(Softmax),
    Attention(Attention),
    Embedding(Embedding),
    Convolution(Convolution),
    Pooling(Pooling),
}

impl Op {
    /// The kernel; none for Burn's operations.
    pub fn kernel(&self) -> Option<&dyn Kernel> {
        Some(match self {
            Self::Burn(_) => return None,
            Self::View(op) => op,
            Self::Linear(op) => op,
            Self::Activate(op) => op,
            Self::Elementwise(op) => op,
            Self::Norm(op) => op,
            Self::RmsNorm(op) => op,
            Self::Softmax(op) => op,
            Self::Attention(op) => op,
            Self::Embedding(op) => op,
            Self::Convolution(op) => op,
            Self::Pooling(op) => op,
        })
    }

    /// What the report calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Burn(operation) => format!("{BURN}{}", interpreter::name(operation)),
            other => other.kernel().map(Kernel::name).unwrap_or_default(),
        }
    }
}
