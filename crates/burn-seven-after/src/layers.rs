//! The layers of a captured forward pass, and where their inputs are.

use std::collections::HashMap;

use burn_ir::{
    BaseOperationIr as Base, Conv2dOptionsIr, FloatOperationIr as Float,
    ModuleOperationIr as ModuleOp, OperationIr, TensorId, TensorIr,
};
use burn_seven_compile::internals::{Captured, Value, name};

/// A linear layer or a convolution.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    /// The weight's path.
    pub path: String,
    pub weight: TensorId,
    /// The weight as it is in the model.
    pub value: Value,
    pub kind: Kind,
    pub input: TensorId,
    /// The operation that reads both.
    pub place: usize,
}

impl Layer {
    /// The numbers of inputs and of outputs.
    pub fn matrix(&self) -> [usize; 2] {
        let shape = self.value.shape();
        let rest: usize = shape.iter().skip(1).product();
        match self.kind {
            Kind::Linear => [shape[0], rest],
            Kind::Transposed | Kind::Convolution(_) => [rest, shape[0]],
        }
    }
}

/// How a weight is a matrix.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Of shape `[in, out]`.
    Linear,
    /// Of shape `[out, in]`.
    Transposed,
    /// Of shape `[out, channels, height, width]`.
    Convolution(Conv2dOptionsIr),
}

impl Kind {
    /// Where the entry of an input and an output is in a weight of this matrix's size.
    pub fn at(&self, [inputs, outputs]: [usize; 2], input: usize, output: usize) -> usize {
        match self {
            Kind::Linear => input * outputs + output,
            Kind::Transposed | Kind::Convolution(_) => output * inputs + input,
        }
    }
}

/// The layers in the order of the forward pass, and weights of matrices that are left alone, with why.
pub(crate) fn layers(captured: &Captured) -> (Vec<Layer>, Vec<(String, String)>) {
    let mut views: HashMap<TensorId, View> = HashMap::new();
    for (id, value) in &captured.parameters {
        let axes = (0..value.shape().num_dims()).map(Some).collect();
        views.insert(*id, View { weight: *id, axes });
    }
    let mut uses: HashMap<TensorId, usize> = HashMap::new();
    let mut found: Vec<Layer> = Vec::new();
    let mut skipped: Vec<(String, String)> = Vec::new();
    for (place, operation) in captured.operations.iter().enumerate() {
        if matches!(operation, OperationIr::Init(_) | OperationIr::Drop(_)) {
            continue;
        }
        if let Some((out, view)) = seen(operation, &views) {
            views.insert(out, view);
            continue;
        }
        for ir in operation.inputs() {
            if let Some(view) = views.get(&ir.id) {
                *uses.entry(view.weight).or_default() += 1;
            }
        }
        let Some((input, weight, options)) = product(operation) else {
            continue;
        };
        let Some(view) = views
            .get(&weight.id)
            .filter(|_| !views.contains_key(&input.id))
        else {
            continue;
        };
        let path = captured
            .paths
            .get(&view.weight)
            .cloned()
            .unwrap_or_default();
        let rank = weight.shape.num_dims();
        let own = view.axes.iter().flatten().count();
        let kind = match (options, view.axes.as_slice()) {
            (None, [.., Some(0), Some(1)]) if own == 2 => Ok(Kind::Linear),
            (None, [.., Some(1), Some(0)]) if own == 2 => Ok(Kind::Transposed),
            (None, _) => Err("its weight is no matrix there"),
            (Some(Ok(options)), _) if options.groups == 1 && rank == 4 => {
                Ok(Kind::Convolution(options.clone()))
            }
            (Some(_), _) => Err("a convolution that is not 2-d, or has groups, is not pruned"),
        };
        match kind {
            Ok(kind) => found.push(Layer {
                path,
                weight: view.weight,
                value: captured.parameters[&view.weight].clone(),
                kind,
                input: input.id,
                place,
            }),
            Err(why) => skipped.push((path, why.to_string())),
        }
    }
    found.retain(|layer| {
        let once = uses.get(&layer.weight) == Some(&1);
        let named = skipped.iter().any(|(path, _)| *path == layer.path);
        if !once && !named {
            let why = "its weight is used more than once".to_string();
            skipped.push((layer.path.clone(), why));
        }
        once
    });
    // Embeddings, and weights that something is done with before a product reads them.
    let mut others: Vec<&TensorId> = captured.parameters.keys().collect();
    others.sort_unstable();
    for id in others {
        let value = &captured.parameters[id];
        let matrix = value.shape().num_dims() >= 2 && value.dtype().is_float();
        let path = captured.paths.get(id).cloned().unwrap_or_default();
        let known = found.iter().any(|layer| layer.path == path)
            || skipped.iter().any(|(other, _)| *other == path);
        if matrix && !known {
            skipped.push((path, "no product reads it as it is".to_string()));
        }
    }
    (found, skipped)
}

/// A tensor with a weight's entries.
#[derive(Debug, Clone)]
struct View {
    weight: TensorId,
    /// The weight's axis of each of its own; none of those that are 1 or repeated.
    axes: Vec<Option<usize>>,
}

/// What an operation makes, if that is another view of a weight.
fn seen(operation: &OperationIr, views: &HashMap<TensorId, View>) -> Option<(TensorId, View)> {
    let OperationIr::BaseFloat(operation) = operation else {
        return None;
    };
    let (input, out): (&TensorIr, &TensorIr) = match operation {
        Base::SwapDims(op) => (&op.input, &op.out),
        Base::Permute(op) => (&op.input, &op.out),
        Base::Reshape(op) => (&op.input, &op.out),
        Base::Expand(op) => (&op.input, &op.out),
        _ => return None,
    };
    let View { weight, axes } = views.get(&input.id)?.clone();
    let axes = match operation {
        Base::SwapDims(op) => {
            let mut axes = axes;
            axes.swap(op.dim1, op.dim2);
            axes
        }
        Base::Permute(op) => op.axes.iter().map(|&axis| axes[axis]).collect(),
        // Axes of 1 come and go; anything else is another matrix.
        Base::Reshape(_) => {
            let sizes = input.shape.iter().zip(axes);
            let mut left = sizes.filter(|(size, _)| **size != 1).peekable();
            let mut new = Vec::new();
            for &size in out.shape.iter() {
                new.push(match size {
                    1 => None,
                    _ => left.next_if(|(next, _)| **next == size)?.1,
                });
            }
            left.next().is_none().then_some(new)?
        }
        Base::Expand(_) => {
            let more = out.shape.num_dims() - input.shape.num_dims();
            let mut new = vec![None; more];
            new.extend(axes);
            for (axis, own) in new.iter_mut().enumerate().skip(more) {
                if out.shape[axis] != input.shape[axis - more] {
                    *own = None;
                }
            }
            new
        }
        _ => return None,
    };
    Some((out.id, View { weight, axes }))
}

type Read<'a> = (
    &'a TensorIr,
    &'a TensorIr,
    Option<Result<&'a Conv2dOptionsIr, ()>>,
);

/// The input and the weight of a product; of a convolution its options, if it is 2-d.
fn product(operation: &OperationIr) -> Option<Read<'_>> {
    match operation {
        OperationIr::Float(_, Float::Matmul(op)) => Some((&op.lhs, &op.rhs, None)),
        OperationIr::Module(op) => match op {
            ModuleOp::Linear(op) => Some((&op.x, &op.weight, None)),
            ModuleOp::Conv1d(op) => Some((&op.x, &op.weight, Some(Err(())))),
            ModuleOp::Conv2d(op) => Some((&op.x, &op.weight, Some(Ok(&op.options)))),
            ModuleOp::Conv3d(op) => Some((&op.x, &op.weight, Some(Err(())))),
            _ => None,
        },
        _ => None,
    }
}

/// The operations that make a view of a weight, in order.
pub(crate) fn chain(captured: &Captured, layer: &Layer) -> Vec<usize> {
    let mut made = vec![layer.weight];
    let mut chain = Vec::new();
    for (place, operation) in captured.operations[..layer.place].iter().enumerate() {
        let init = matches!(operation, OperationIr::Init(_) | OperationIr::Drop(_));
        if !init && operation.inputs().any(|ir| made.contains(&ir.id)) {
            made.extend(operation.outputs().map(|ir| ir.id));
            chain.push(place);
        }
    }
    chain
}

/// What an operation of a layer is called in an error.
pub(crate) fn called(captured: &Captured, layer: Option<&Layer>) -> String {
    match layer {
        Some(layer) => format!(
            "{} by {}",
            layer.path,
            name(&captured.operations[layer.place])
        ),
        None => "nothing".to_string(),
    }
}
