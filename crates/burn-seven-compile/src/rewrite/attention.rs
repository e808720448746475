//! Two products with a softmax between them.

use burn_ir::{
    ActivationOperationIr, BaseOperationIr, FloatOperationIr, MatmulOpIr, ModuleOperationIr,
    NumericOperationIr, OperationIr, TensorIr,
};

use super::{burn, is_float, number};
use crate::graph::{Graph, Node};
use crate::kernels::{Attention, MaskKind, Op};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        if let Some((old, node)) = attention(graph, index) {
            graph.replace(&old, node);
        }
        if let Some(node) = graph.get(index).and_then(module) {
            graph.replace(&[index], node);
        }
    }
}

/// Burn's own attention function. With a mask its rows may be masked altogether, which gives zeros
/// there, not what a softmax does: then it stays as it is.
fn module(node: &Node) -> Option<Node> {
    let operation = burn(node)?;
    let OperationIr::Module(ModuleOperationIr::Attention(op)) = operation else {
        return None;
    };
    let options = &op.options;
    let plain = op.mask.is_none()
        && op.attn_bias.is_none()
        && options.softcap.is_none()
        && !options.is_causal
        && [&op.key, &op.value]
            .iter()
            .all(|ir| ir.shape[..2] == op.query.shape[..2])
        && op.out.shape.num_elements() > 0
        && op.key.shape.num_elements() > 0
        && is_float(&op.query);
    let width = op.query.shape.to_vec()[3] as f32;
    plain.then(|| Node {
        op: Op::Attention(Attention {
            scale: options.scale.map_or(1.0 / width.sqrt(), number),
            masks: Vec::new(),
            transposed: false,
        }),
        inputs: vec![op.query.clone(), op.key.clone(), op.value.clone()],
        outputs: vec![op.out.clone()],
    })
}

/// What becomes of the scores between the product and the softmax.
enum Part<'a> {
    Scale(f32),
    Mask(&'a TensorIr, MaskKind),
}

/// The attention that ends with the product at this place.
fn attention(graph: &Graph, index: usize) -> Option<(Vec<usize>, Node)> {
    let last = product(graph.get(index)?)?;
    let mut old = vec![index];
    let softmax = made_for_one(graph, &last.lhs, &mut old)?;
    let OperationIr::Activation(ActivationOperationIr::Softmax(softmax)) = burn(softmax)? else {
        return None;
    };
    if softmax.axis != 3 || softmax.input.shape.num_dims() != 4 {
        return None;
    }
    let (mut parts, mut scores) = (Vec::new(), &softmax.input);
    let first = loop {
        let node = made_for_one(graph, scores, &mut old)?;
        if let Some(first) = product(node) {
            break first;
        }
        let (part, before) = part(burn(node)?, scores)?;
        parts.push(part);
        scores = before;
    };
    let [batch, heads, queries, width] = first.lhs.shape.dims();
    let [_, _, _, keys] = first.rhs.shape.dims();
    let [_, _, _, values] = last.rhs.shape.dims();
    let fits = first.rhs.shape.to_vec() == [batch, heads, width, keys]
        && last.rhs.shape.to_vec() == [batch, heads, keys, values]
        && last.out.shape.to_vec() == [batch, heads, queries, values]
        && [batch, heads, queries, keys, width, values]
            .iter()
            .all(|size| *size > 0)
        && [&first.lhs, &first.rhs, &last.rhs]
            .into_iter()
            .all(is_float);
    if !fits {
        return None;
    }
    // Scaling after a mask would scale the mask too.
    parts.reverse();
    let (mut scale, mut masks) = (1.0, Vec::new());
    let mut inputs = vec![first.lhs.clone(), first.rhs.clone(), last.rhs.clone()];
    for part in parts {
        match part {
            Part::Scale(factor) if masks.is_empty() => scale *= factor,
            Part::Scale(_) => return None,
            Part::Mask(mask, kind) => {
                masks.push(kind);
                inputs.push(mask.clone());
            }
        }
    }
    let node = Node {
        op: Op::Attention(Attention {
            scale,
            masks,
            transposed: true,
        }),
        inputs,
        outputs: vec![last.out.clone()],
    };
    Some((old, node))
}

/// The product of two tensors of rank 4 that a node is.
fn product(node: &Node) -> Option<&MatmulOpIr> {
    let operation = burn(node)?;
    match operation {
        OperationIr::Float(_, FloatOperationIr::Matmul(product)) => {
            (product.out.shape.num_dims() == 4).then_some(product)
        }
        _ => None,
    }
}

/// The node that makes a tensor which is read once, before views that change nothing; their places
/// are added to `old`, as is its own.
fn made_for_one<'a>(
    graph: &'a Graph,
    mut ir: &'a TensorIr,
    old: &mut Vec<usize>,
) -> Option<&'a Node> {
    loop {
        let (index, node) = graph.producer(ir.id)?;
        if graph.uses(ir.id) != 1 {
            return None;
        }
        old.push(index);
        match &node.op {
            Op::View(view) if view.changes_nothing(&node.inputs[0], &node.outputs[0]) => {
                ir = &node.inputs[0];
            }
            _ => return Some(node),
        }
    }
}

fn part<'a>(operation: &'a OperationIr, scores: &TensorIr) -> Option<(Part<'a>, &'a TensorIr)> {
    Some(match operation {
        OperationIr::NumericFloat(_, NumericOperationIr::DivScalar(by)) => {
            (Part::Scale(1.0 / number(by.rhs)), &by.lhs)
        }
        OperationIr::NumericFloat(_, NumericOperationIr::MulScalar(by)) => {
            (Part::Scale(number(by.rhs)), &by.lhs)
        }
        OperationIr::BaseFloat(BaseOperationIr::MaskFill(fill)) => {
            let kind = MaskKind::Fill(number(fill.value));
            (
                broadcasts(&fill.mask, scores).then_some(Part::Mask(&fill.mask, kind))?,
                &fill.tensor,
            )
        }
        OperationIr::NumericFloat(_, NumericOperationIr::Add(add)) => {
            let (before, mask) = match add.lhs.shape == scores.shape {
                true => (&add.lhs, &add.rhs),
                false => (&add.rhs, &add.lhs),
            };
            let fits = before.shape == scores.shape && broadcasts(mask, scores) && is_float(mask);
            (fits.then_some(Part::Mask(mask, MaskKind::Add))?, before)
        }
        _ => return None,
    })
}

/// Whether each axis of a mask is that of the scores or of size 1.
fn broadcasts(mask: &TensorIr, scores: &TensorIr) -> bool {
    let pairs = mask.shape.iter().zip(scores.shape.iter());
    mask.shape.num_dims() == 4
        && pairs
            .into_iter()
            .all(|(one, other)| one == other || *one == 1)
}
