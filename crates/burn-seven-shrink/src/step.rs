//! Burn's operations, by what they do with axes.

use burn::tensor::Slice;
use burn_ir::{
    ActivationOperationIr as Activation, BaseOperationIr as Base, BinaryOpIr,
    BoolOperationIr as BoolOp, FloatOperationIr as Float, IntOperationIr as IntOp,
    ModuleOperationIr as ModuleOp, NumericOperationIr as Numeric, OperationIr, ScalarIr, TensorIr,
};

/// When zeros in an operation's inputs make zeros in its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zeros {
    /// Zeros in each input.
    Each,
    /// Zeros in one of the inputs.
    Any,
    /// Zeros in the first input.
    First,
    /// They do not.
    Never,
}

/// An operation, by what it does with axes.
#[derive(Debug, Clone)]
pub(crate) enum Step<'a> {
    /// Entry by entry; an axis of 1 is the same for all of another's.
    Entries {
        inputs: Vec<&'a TensorIr>,
        out: &'a TensorIr,
        zeros: Zeros,
    },
    Permute {
        input: &'a TensorIr,
        out: &'a TensorIr,
        axes: Vec<usize>,
    },
    Reshape {
        input: &'a TensorIr,
        out: &'a TensorIr,
    },
    /// Axes that change their size are repeated, unless it was 1.
    Repeat {
        input: &'a TensorIr,
        out: &'a TensorIr,
    },
    Slice {
        input: &'a TensorIr,
        out: &'a TensorIr,
        ranges: &'a [Slice],
    },
    Assign {
        input: &'a TensorIr,
        value: &'a TensorIr,
        out: &'a TensorIr,
    },
    Cat {
        inputs: &'a [TensorIr],
        out: &'a TensorIr,
        dim: usize,
    },
    Product {
        left: &'a TensorIr,
        right: &'a TensorIr,
        bias: Option<&'a TensorIr>,
        out: &'a TensorIr,
    },
    Convolution {
        x: &'a TensorIr,
        weight: &'a TensorIr,
        bias: Option<&'a TensorIr>,
        groups: usize,
        transposed: bool,
        out: &'a TensorIr,
    },
    /// Each channel by itself: batch and channels stay, places change.
    Places {
        input: &'a TensorIr,
        out: &'a TensorIr,
    },
    Embedding {
        table: &'a TensorIr,
        indices: &'a TensorIr,
        out: &'a TensorIr,
    },
    BatchNorm {
        x: &'a TensorIr,
        scale: [&'a TensorIr; 2],
        statistics: [&'a TensorIr; 2],
        out: &'a TensorIr,
    },
    LayerNorm {
        x: &'a TensorIr,
        scale: Vec<&'a TensorIr>,
        out: &'a TensorIr,
    },
    /// Softmax and its kind: entries of one axis depend on one another.
    Softmax {
        input: &'a TensorIr,
        out: &'a TensorIr,
        axis: usize,
    },
    /// Axes become 1. Of a mean the number of entries counts as well.
    Reduce {
        input: &'a TensorIr,
        out: &'a TensorIr,
        axes: Vec<usize>,
        mean: bool,
    },
    Attention {
        query: &'a TensorIr,
        key: &'a TensorIr,
        value: &'a TensorIr,
        others: Vec<&'a TensorIr>,
        out: &'a TensorIr,
    },
    /// A tensor of zeros, or of anything else.
    Make {
        out: &'a TensorIr,
        zeros: bool,
    },
    Nothing,
    /// Not understood.
    Unknown,
}

fn one<'a>(input: &'a TensorIr, out: &'a TensorIr, keeps_zero: bool) -> Step<'a> {
    let zeros = match keeps_zero {
        true => Zeros::Each,
        false => Zeros::Never,
    };
    Step::Entries {
        inputs: vec![input],
        out,
        zeros,
    }
}

fn two(op: &BinaryOpIr, zeros: Zeros) -> Step<'_> {
    Step::Entries {
        inputs: vec![&op.lhs, &op.rhs],
        out: &op.out,
        zeros,
    }
}

fn number(scalar: &ScalarIr) -> f64 {
    match *scalar {
        ScalarIr::Float(value) => value,
        ScalarIr::Int(value) => value as f64,
        ScalarIr::UInt(value) => value as f64,
        ScalarIr::Bool(value) => f64::from(u8::from(value)),
    }
}

impl<'a> Step<'a> {
    /// What an operation does.
    pub fn of(operation: &'a OperationIr) -> Self {
        match operation {
            OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
                base(op)
            }
            OperationIr::NumericFloat(_, op) | OperationIr::NumericInt(_, op) => numeric(op),
            OperationIr::Float(_, op) => float(op),
            OperationIr::Activation(op) => activation(op),
            OperationIr::Module(op) => module(op),
            OperationIr::Bool(op) => match op {
                BoolOp::IntoFloat(op) | BoolOp::IntoInt(op) => one(&op.input, &op.out, true),
                BoolOp::Not(op) => one(&op.input, &op.out, false),
                BoolOp::And(op) | BoolOp::Or(op) | BoolOp::Xor(op) => two(op, Zeros::Each),
            },
            OperationIr::Int(IntOp::IntoFloat(op)) => one(&op.input, &op.out, true),
            OperationIr::Init(_) | OperationIr::Drop(_) => Step::Nothing,
            _ => Step::Unknown,
        }
    }
}

fn base(op: &Base) -> Step<'_> {
    match op {
        Base::Reshape(op) => Step::Reshape {
            input: &op.input,
            out: &op.out,
        },
        Base::SwapDims(op) => {
            let mut axes: Vec<usize> = (0..op.input.shape.num_dims()).collect();
            axes.swap(op.dim1, op.dim2);
            Step::Permute {
                input: &op.input,
                out: &op.out,
                axes,
            }
        }
        Base::Permute(op) => Step::Permute {
            input: &op.input,
            out: &op.out,
            axes: op.axes.clone(),
        },
        Base::Expand(op) => Step::Repeat {
            input: &op.input,
            out: &op.out,
        },
        Base::RepeatDim(op) => Step::Repeat {
            input: &op.tensor,
            out: &op.out,
        },
        Base::Slice(op) => Step::Slice {
            input: &op.tensor,
            out: &op.out,
            ranges: &op.ranges,
        },
        Base::SliceAssign(op) => Step::Assign {
            input: &op.tensor,
            value: &op.value,
            out: &op.out,
        },
        Base::Cat(op) => Step::Cat {
            inputs: &op.tensors,
            out: &op.out,
            dim: op.dim,
        },
        Base::MaskWhere(op) => Step::Entries {
            inputs: vec![&op.tensor, &op.value, &op.mask],
            out: &op.out,
            zeros: Zeros::Never,
        },
        Base::MaskFill(op) => Step::Entries {
            inputs: vec![&op.tensor, &op.mask],
            out: &op.out,
            zeros: match number(&op.value) == 0.0 {
                true => Zeros::First,
                false => Zeros::Never,
            },
        },
        Base::Equal(op) | Base::NotEqual(op) => two(op, Zeros::Never),
        Base::EqualElem(op) | Base::NotEqualElem(op) => one(&op.lhs, &op.out, false),
        Base::Cast(op) => one(&op.input, &op.out, true),
        Base::Empty(op) | Base::Zeros(op) => Step::Make {
            out: &op.out,
            zeros: true,
        },
        Base::Ones(op) => Step::Make {
            out: &op.out,
            zeros: false,
        },
        _ => Step::Unknown,
    }
}

fn numeric(op: &Numeric) -> Step<'_> {
    match op {
        Numeric::Add(op) | Numeric::Sub(op) => two(op, Zeros::Each),
        Numeric::Mul(op) => two(op, Zeros::Any),
        Numeric::Div(op) => two(op, Zeros::First),
        Numeric::AddScalar(op) | Numeric::SubScalar(op) => {
            one(&op.lhs, &op.out, number(&op.rhs) == 0.0)
        }
        Numeric::MulScalar(op) | Numeric::DivScalar(op) | Numeric::RemScalar(op) => {
            one(&op.lhs, &op.out, true)
        }
        Numeric::Abs(op) | Numeric::Neg(op) | Numeric::Sign(op) => one(&op.input, &op.out, true),
        Numeric::PowiScalar(op) => one(&op.lhs, &op.out, number(&op.rhs) > 0.0),
        Numeric::Clamp(op) => {
            let holds = number(&op.min) <= 0.0 && number(&op.max) >= 0.0;
            one(&op.tensor, &op.out, holds)
        }
        Numeric::ClampMin(op) => one(&op.lhs, &op.out, number(&op.rhs) <= 0.0),
        Numeric::ClampMax(op) => one(&op.lhs, &op.out, number(&op.rhs) >= 0.0),
        Numeric::Greater(op)
        | Numeric::GreaterEqual(op)
        | Numeric::Lower(op)
        | Numeric::LowerEqual(op) => two(op, Zeros::Never),
        Numeric::GreaterElem(op)
        | Numeric::GreaterEqualElem(op)
        | Numeric::LowerElem(op)
        | Numeric::LowerEqualElem(op) => one(&op.lhs, &op.out, false),
        Numeric::Full(op) => Step::Make {
            out: &op.out,
            zeros: number(&op.value) == 0.0,
        },
        Numeric::MeanDim(op) => reduce(&op.input, &op.out, vec![op.axis], true),
        Numeric::SumDim(op) => reduce(&op.input, &op.out, vec![op.axis], false),
        Numeric::SumDims(op) => reduce(&op.input, &op.out, op.axes.clone(), false),
        _ => Step::Unknown,
    }
}

fn reduce<'a>(input: &'a TensorIr, out: &'a TensorIr, axes: Vec<usize>, mean: bool) -> Step<'a> {
    match input.shape.num_dims() == out.shape.num_dims() {
        true => Step::Reduce {
            input,
            out,
            axes,
            mean,
        },
        false => Step::Unknown,
    }
}

fn float(op: &Float) -> Step<'_> {
    match op {
        Float::Matmul(op) => Step::Product {
            left: &op.lhs,
            right: &op.rhs,
            bias: None,
            out: &op.out,
        },
        Float::Sqrt(op)
        | Float::Sin(op)
        | Float::Tan(op)
        | Float::Tanh(op)
        | Float::Erf(op)
        | Float::Sinh(op)
        | Float::Log1p(op)
        | Float::Round(op)
        | Float::Floor(op)
        | Float::Ceil(op)
        | Float::Trunc(op)
        | Float::ArcTan(op)
        | Float::ArcSin(op) => one(&op.input, &op.out, true),
        Float::Exp(op) | Float::Log(op) | Float::Cos(op) | Float::Cosh(op) | Float::Recip(op) => {
            one(&op.input, &op.out, false)
        }
        Float::PowfScalar(op) => one(&op.lhs, &op.out, number(&op.rhs) > 0.0),
        Float::IntoInt(op) => one(&op.input, &op.out, true),
        _ => Step::Unknown,
    }
}

fn activation(op: &Activation) -> Step<'_> {
    match op {
        Activation::Relu(op) | Activation::Gelu(op) => one(&op.input, &op.out, true),
        Activation::LeakyRelu(op) => one(&op.lhs, &op.out, true),
        Activation::Sigmoid(op) | Activation::LogSigmoid(op) => one(&op.input, &op.out, false),
        Activation::HardSigmoid(op) => one(&op.tensor, &op.out, false),
        Activation::Softmax(op) | Activation::LogSoftmax(op) | Activation::Softmin(op) => {
            Step::Softmax {
                input: &op.input,
                out: &op.out,
                axis: op.axis,
            }
        }
        _ => Step::Unknown,
    }
}

fn module(op: &ModuleOp) -> Step<'_> {
    macro_rules! convolution {
        ($op:ident, $transposed:literal) => {
            Step::Convolution {
                x: &$op.x,
                weight: &$op.weight,
                bias: $op.bias.as_ref(),
                groups: $op.options.groups,
                transposed: $transposed,
                out: &$op.out,
            }
        };
    }
    match op {
        ModuleOp::Linear(op) => {
            let bias = op.bias.as_ref();
            Step::Product {
                left: &op.x,
                right: &op.weight,
                bias,
                out: &op.out,
            }
        }
        ModuleOp::Conv1d(op) => convolution!(op, false),
        ModuleOp::Conv2d(op) => convolution!(op, false),
        ModuleOp::Conv3d(op) => convolution!(op, false),
        ModuleOp::ConvTranspose1d(op) => convolution!(op, true),
        ModuleOp::ConvTranspose2d(op) => convolution!(op, true),
        ModuleOp::ConvTranspose3d(op) => convolution!(op, true),
        ModuleOp::AvgPool1d(op) => Step::Places {
            input: &op.x,
            out: &op.out,
        },
        ModuleOp::AvgPool2d(op) => Step::Places {
            input: &op.x,
            out: &op.out,
        },
        ModuleOp::AdaptiveAvgPool1d(op) => Step::Places {
            input: &op.x,
            out: &op.out,
        },
        ModuleOp::AdaptiveAvgPool2d(op) => Step::Places {
            input: &op.x,
            out: &op.out,
        },
        ModuleOp::MaxPool1d(op) => Step::Places {
            input: &op.x,
            out: &op.out,
        },
        ModuleOp::MaxPool2d(op) => Step::Places {
            input: &op.x,
            out: &op.out,
        },
        ModuleOp::Interpolate(op) => Step::Places {
            input: &op.x,
            out: &op.out,
        },
        ModuleOp::Embedding(op) => Step::Embedding {
            table: &op.weights,
            indices: &op.indices,
            out: &op.out,
        },
        ModuleOp::BatchNorm(op) => Step::BatchNorm {
            x: &op.x,
            scale: [&op.gamma, &op.beta],
            statistics: [&op.mean, &op.variance],
            out: &op.out,
        },
        ModuleOp::LayerNorm(op) => Step::LayerNorm {
            x: &op.input,
            scale: std::iter::once(&op.gamma).chain(&op.beta).collect(),
            out: &op.out,
        },
        ModuleOp::Attention(op) => Step::Attention {
            query: &op.query,
            key: &op.key,
            value: &op.value,
            others: op.mask.iter().chain(&op.attn_bias).collect(),
            out: &op.out,
        },
        _ => Step::Unknown,
    }
}
