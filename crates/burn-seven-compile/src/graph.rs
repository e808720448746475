//! A forward pass as a graph that can be rewritten.

use std::collections::HashMap;

use burn_ir::{OperationIr, TensorId, TensorIr};

use crate::kernels::Op;
use crate::value::Value;

/// An operation and the tensors it reads and makes.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub op: Op,
    pub inputs: Vec<TensorIr>,
    pub outputs: Vec<TensorIr>,
}

impl Node {
    /// An operation of Burn's.
    pub fn burn(operation: OperationIr) -> Self {
        Self {
            inputs: operation.inputs().cloned().collect(),
            outputs: operation.outputs().cloned().collect(),
            op: Op::Burn(Box::new(operation)),
        }
    }
}

/// Nodes in an order in which they can run.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Option<Node>>,
    producers: HashMap<TensorId, usize>,
    /// The nodes that read a tensor, once for each time they read it.
    users: HashMap<TensorId, Vec<usize>>,
    /// What is known before the graph runs.
    pub constants: HashMap<TensorId, Value>,
    /// The parameters that constants come from, by their paths in the module.
    pub paths: HashMap<TensorId, String>,
    pub inputs: Vec<TensorId>,
    pub outputs: Vec<TensorId>,
}

impl Graph {
    /// Adds a node behind the others.
    pub fn push(&mut self, node: Node) {
        self.nodes.push(None);
        self.put(self.nodes.len() - 1, node);
    }

    /// Puts a node where none is.
    pub fn put(&mut self, index: usize, node: Node) {
        for ir in &node.inputs {
            self.users.entry(ir.id).or_default().push(index);
        }
        for ir in &node.outputs {
            self.producers.insert(ir.id, index);
        }
        self.nodes[index] = Some(node);
    }

    /// Takes a node out.
    pub fn take(&mut self, index: usize) -> Option<Node> {
        let node = self.nodes[index].take()?;
        for ir in &node.inputs {
            if let Some(users) = self.users.get_mut(&ir.id)
                && let Some(place) = users.iter().position(|user| *user == index)
            {
                users.swap_remove(place);
            }
        }
        for ir in &node.outputs {
            if self.producers.get(&ir.id) == Some(&index) {
                self.producers.remove(&ir.id);
            }
        }
        Some(node)
    }

    /// Puts one node in the place of others, where the last of them was.
    pub fn replace(&mut self, old: &[usize], new: Node) {
        for &index in old {
            self.take(index);
        }
        if let Some(&last) = old.iter().max() {
            self.put(last, new);
        }
    }

    /// The places there are, some of which are empty.
    pub fn places(&self) -> std::ops::Range<usize> {
        0..self.nodes.len()
    }

    pub fn get(&self, index: usize) -> Option<&Node> {
        self.nodes.get(index)?.as_ref()
    }

    pub fn op_mut(&mut self, index: usize) -> Option<&mut Op> {
        Some(&mut self.nodes.get_mut(index)?.as_mut()?.op)
    }

    /// The nodes in order.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (usize, &Node)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(index, node)| Some((index, node.as_ref()?)))
    }

    /// The node that makes a tensor.
    pub fn producer(&self, id: TensorId) -> Option<(usize, &Node)> {
        let index = *self.producers.get(&id)?;
        Some((index, self.get(index)?))
    }

    /// How often a tensor is read, by nodes or as an output of the graph.
    pub fn uses(&self, id: TensorId) -> usize {
        let outputs = self.outputs.iter().filter(|output| **output == id).count();
        outputs + self.users.get(&id).map_or(0, Vec::len)
    }

    /// The nodes that read a tensor.
    pub fn users(&self, id: TensorId) -> &[usize] {
        self.users.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The one node that reads a tensor, once; none where it is read elsewhere as well.
    pub fn only_user(&self, id: TensorId) -> Option<(usize, &Node)> {
        match self.users(id) {
            &[index] if self.uses(id) == 1 => Some((index, self.get(index)?)),
            _ => None,
        }
    }

    /// The one node that reads a tensor's rows, and the reshapes on the way to it, which keep the
    /// last axis.
    pub fn only_user_of_rows(&self, ir: &TensorIr) -> Option<(Vec<usize>, TensorIr)> {
        let (mut ir, mut passed) = (ir.clone(), Vec::new());
        loop {
            let (index, node) = self.only_user(ir.id)?;
            match &node.op {
                Op::View(view) if view.keeps_rows(&node.inputs[0], &node.outputs[0]) => {
                    passed.push(index);
                    ir = node.outputs[0].clone();
                }
                _ => {
                    passed.push(index);
                    return Some((passed, ir));
                }
            }
        }
    }

    /// Removes what nothing reads.
    pub fn remove_dead(&mut self) {
        for index in self.places().rev() {
            let Some(node) = self.get(index) else {
                continue;
            };
            if node.outputs.iter().all(|ir| self.uses(ir.id) == 0) {
                self.take(index);
            }
        }
    }
}
