//! What is zero in a forward pass when all that makes a unit is zero.

use std::collections::{HashMap, HashSet};

use burn_ir::{OperationIr, TensorId, TensorIr};

use crate::axis::PartId;
use crate::flow::Flow;
use crate::step::{Step, Zeros};

type Set = HashSet<PartId>;

/// Parts of which a unit is read as zeros wherever it is read, when all that makes it is zero.
pub(crate) fn vanishing(flow: &Flow, operations: &[OperationIr]) -> Set {
    let mut tracker = Tracker {
        flow,
        zeros: HashMap::new(),
        seen: Set::new(),
    };
    for operation in operations {
        tracker.step(operation);
    }
    let all = flow.axes.values().flatten();
    let all = all.flat_map(|axis| flow.parts.resolve(axis)).flatten();
    all.filter(|part| !tracker.seen.contains(part)).collect()
}

struct Tracker<'a> {
    flow: &'a Flow,
    /// Parts whose units are zero in a tensor.
    zeros: HashMap<TensorId, Set>,
    /// Parts that are read where they may be something else than zero.
    seen: Set,
}

impl Tracker<'_> {
    /// The parts of a tensor's axes, or of one of them.
    fn parts(&self, ir: &TensorIr, axis: Option<usize>) -> Set {
        let axes = self.flow.axes.get(&ir.id).into_iter().flatten();
        let axes = axes
            .enumerate()
            .filter(|(index, _)| axis.is_none_or(|axis| axis == *index));
        let stretches = axes.flat_map(|(_, axis)| self.flow.parts.resolve(axis));
        stretches.flatten().collect()
    }

    fn of(&self, ir: &TensorIr) -> Set {
        if let Some(zeros) = self.zeros.get(&ir.id) {
            return zeros.clone();
        }
        let Some((used, axes)) = self.flow.origins.get(&ir.id) else {
            return Set::new();
        };
        let roles = &self.flow.used[*used].roles;
        let made = axes
            .iter()
            .enumerate()
            .filter(|(_, own)| own.is_some_and(|own| roles[own].makes));
        made.flat_map(|(axis, _)| self.parts(ir, Some(axis)))
            .collect()
    }

    /// Parts along an axis are read: they should be zero in one of these sets.
    fn read(&mut self, along: &Set, zeros: &[&Set]) {
        let plain = along
            .iter()
            .filter(|part| !zeros.iter().any(|zeros| zeros.contains(part)));
        self.seen.extend(plain);
    }

    fn step(&mut self, operation: &OperationIr) {
        let last = |ir: &TensorIr| ir.shape.num_dims().saturating_sub(1);
        let (out, zeros) = match Step::of(operation) {
            Step::Entries { inputs, out, zeros } => {
                let sets: Vec<Set> = inputs.iter().map(|ir| self.of(ir)).collect();
                let found = match zeros {
                    Zeros::Never => Set::new(),
                    Zeros::First => sets[0].clone(),
                    Zeros::Any => sets.iter().flatten().copied().collect(),
                    Zeros::Each => {
                        let others = &sets[1..];
                        let in_all = |part: &&PartId| others.iter().all(|set| set.contains(part));
                        sets[0].iter().filter(in_all).copied().collect()
                    }
                };
                (out, found)
            }
            Step::Permute { input, out, .. }
            | Step::Reshape { input, out }
            | Step::Repeat { input, out }
            | Step::Slice { input, out, .. }
            | Step::Places { input, out } => (out, self.of(input)),
            Step::Assign { input, value, out } => {
                let inputs = [self.of(input), self.of(value)];
                let parts = [self.parts(input, None), self.parts(value, None)];
                (out, wherever(&parts, &inputs))
            }
            Step::Cat { inputs, out, .. } => {
                let sets: Vec<Set> = inputs.iter().map(|ir| self.of(ir)).collect();
                let parts: Vec<Set> = inputs.iter().map(|ir| self.parts(ir, None)).collect();
                (out, wherever(&parts, &sets))
            }
            Step::Product {
                left,
                right,
                bias,
                out,
            } => {
                let (l, r) = (self.of(left), self.of(right));
                self.read(&self.parts(left, Some(last(left))), &[&l, &r]);
                let outputs = self.parts(out, None);
                let mut zeros: Set = l
                    .union(&r)
                    .copied()
                    .filter(|part| outputs.contains(part))
                    .collect();
                if let Some(bias) = bias {
                    let own = self.of(bias);
                    zeros.retain(|part| own.contains(part));
                }
                (out, zeros)
            }
            Step::Convolution {
                x,
                weight,
                bias,
                groups,
                out,
                ..
            } => {
                let (inputs, made) = (self.of(x), self.of(weight));
                // Units of a group go through it; all others are summed over.
                let through = self.parts(out, Some(1));
                let along = self.parts(x, Some(1));
                let summed = along
                    .iter()
                    .filter(|part| groups == 1 || !through.contains(part));
                let summed = summed.copied().collect();
                self.read(&summed, &[&inputs]);
                let passes = inputs
                    .iter()
                    .filter(|part| groups > 1 && through.contains(part));
                let mut zeros: Set = passes.chain(&made).copied().collect();
                zeros.retain(|part| through.contains(part));
                if let Some(bias) = bias {
                    let own = self.of(bias);
                    zeros.retain(|part| own.contains(part));
                }
                (out, zeros)
            }
            Step::Embedding { table, out, .. } => (out, self.of(table)),
            Step::BatchNorm { scale, out, .. } => {
                let [gamma, beta] = scale.map(|ir| self.of(ir));
                (out, gamma.intersection(&beta).copied().collect())
            }
            Step::LayerNorm { scale, out, .. } => {
                let sets: Vec<Set> = scale.iter().map(|ir| self.of(ir)).collect();
                let first = sets.first().cloned().unwrap_or_default();
                (
                    out,
                    first
                        .into_iter()
                        .filter(|part| sets.iter().all(|set| set.contains(part)))
                        .collect(),
                )
            }
            Step::Softmax { out, .. } => (out, Set::new()),
            Step::Reduce {
                input, out, axes, ..
            } => {
                let zeros = self.of(input);
                for axis in axes {
                    self.read(&self.parts(input, Some(axis)), &[&zeros]);
                }
                (out, zeros)
            }
            Step::Attention {
                query,
                key,
                value,
                out,
                ..
            } => {
                let (q, k) = (self.of(query), self.of(key));
                self.read(&self.parts(query, Some(last(query))), &[&q, &k]);
                (out, self.of(value))
            }
            Step::Make { out, zeros } => {
                let set = match zeros {
                    true => self.parts(out, None),
                    false => Set::new(),
                };
                (out, set)
            }
            Step::Nothing | Step::Unknown => return,
        };
        // Views of parameters keep what their axes are for.
        if !self.flow.origins.contains_key(&out.id) {
            self.zeros.insert(out.id, zeros);
        }
    }
}

/// Parts that are zero in each tensor that has them.
fn wherever(parts: &[Set], zeros: &[Set]) -> Set {
    let all: Set = parts.iter().flatten().copied().collect();
    let holds = |part: &PartId| {
        let mut pairs = parts.iter().zip(zeros);
        pairs.all(|(parts, zeros)| !parts.contains(part) || zeros.contains(part))
    };
    all.into_iter().filter(holds).collect()
}
