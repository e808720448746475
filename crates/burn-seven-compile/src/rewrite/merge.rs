//! Products with one input, such as queries, keys and values, become one.

use burn_seven_kernels::Activation;

use crate::graph::{Graph, Node};
use crate::kernels::{Linear, Op, Weight};

pub(super) fn rewrite(graph: &mut Graph) {
    for index in graph.places() {
        let group = group(graph, index);
        if group.len() < 2 {
            continue;
        }
        if let Some(node) = merged(graph, &group) {
            for &place in &group {
                graph.take(place);
            }
            graph.put(index, node);
        }
    }
}

/// This product and the later ones that read what it reads, if it is one for attention.
fn group(graph: &Graph, index: usize) -> Vec<usize> {
    let Some((node, _)) = for_attention(graph, index) else {
        return Vec::new();
    };
    let mut group = graph.users(node.inputs[0].id).to_vec();
    group.retain(|&other| other >= index && for_attention(graph, other).is_some());
    group.sort_unstable();
    group.dedup();
    group
}

/// A product whose output only attention reads, head by head: it does not mind where the rows are.
fn for_attention(graph: &Graph, index: usize) -> Option<(&Node, &Linear)> {
    let node = graph.get(index)?;
    let Op::Linear(linear) = &node.op else {
        return None;
    };
    let mut id = node.outputs[0].id;
    loop {
        let (_, user) = graph.only_user(id)?;
        match &user.op {
            Op::View(_) => id = user.outputs[0].id,
            Op::Attention(_) => break,
            _ => return None,
        }
    }
    (linear.activation == Activation::None).then_some((node, linear))
}

fn merged(graph: &Graph, group: &[usize]) -> Option<Node> {
    let members: Option<Vec<_>> = group
        .iter()
        .map(|&place| for_attention(graph, place))
        .collect();
    let members = members?;
    let inputs = members[0].1.shape[0];
    let (mut weights, mut bias) = (Vec::new(), Vec::new());
    let (mut parts, mut paths, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for (node, linear) in &members {
        let Weight::Given(values) = &linear.weight else {
            return None;
        };
        weights.extend(values.iter().cloned());
        match &linear.bias {
            Some(values) => bias.extend_from_slice(values),
            None => bias.resize(bias.len() + linear.shape[1], 0.0),
        }
        parts.push(linear.shape[1]);
        paths.extend(linear.paths.iter().cloned());
        outputs.extend(node.outputs.iter().cloned());
    }
    let any_bias = members.iter().any(|(_, linear)| linear.bias.is_some());
    Some(Node {
        op: Op::Linear(Linear {
            weight: Weight::Given(weights),
            shape: [inputs, parts.iter().sum()],
            bias: any_bias.then(|| bias.into()),
            activation: Activation::None,
            parts,
            derived: members.iter().any(|(_, linear)| linear.derived),
            paths,
        }),
        inputs: members[0].0.inputs.clone(),
        outputs,
    })
}
