//! Which axes of which tensors of a forward pass are one and the same.

use std::collections::HashMap;

use burn::tensor::Slice;
use burn_ir::{OperationIr, TensorId, TensorIr};
use burn_seven_compile::internals::{Captured, name};

use crate::axis::{Axis, Parts};
use crate::step::Step;

/// What a forward pass does with one axis of a parameter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Role {
    /// Its entries make the units of the axis: outputs of a layer, biases, scales.
    pub makes: bool,
    /// Its entries are multiplied with the units: inputs of a layer.
    pub reads: bool,
    /// It only has to have as many entries: running statistics.
    pub follows: bool,
}

/// A parameter and its axes.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    pub path: String,
    pub shape: Vec<usize>,
    pub axes: Vec<Axis>,
    pub roles: Vec<Role>,
}

/// A product, and the axes whose sizes make its number of multiply-adds.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    /// The weight's path, or the operation's name.
    pub name: String,
    pub axes: Vec<Axis>,
    /// Entries of axes that are never cut, such as a kernel's.
    pub times: usize,
}

/// What is known of a forward pass.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    pub parts: Parts,
    pub used: Vec<Used>,
    pub products: Vec<Product>,
    pub axes: HashMap<TensorId, Vec<Axis>>,
    /// The parameter that a tensor is a view of, and the parameter's axis of each of its own.
    pub origins: HashMap<TensorId, (usize, Vec<Option<usize>>)>,
}

impl Flow {
    /// Follows a captured forward pass. `tied` are pairs of paths of one and the same parameter.
    pub fn new(captured: &Captured, tied: &[(String, String)]) -> Self {
        let mut flow = Self::default();
        let mut parameters: Vec<_> = captured.parameters.iter().collect();
        parameters.sort_by_key(|(id, _)| **id);
        for (id, value) in parameters {
            let shape = value.shape().to_vec();
            let axes: Vec<Axis> = shape.iter().map(|&size| flow.parts.axis(size)).collect();
            flow.axes.insert(*id, axes.clone());
            let own = (0..shape.len()).map(Some).collect();
            flow.origins.insert(*id, (flow.used.len(), own));
            flow.used.push(Used {
                path: captured.paths.get(id).cloned().unwrap_or_default(),
                roles: vec![Role::default(); shape.len()],
                shape,
                axes,
            });
        }
        for (one, other) in tied {
            let axes = |path: &String| {
                let used = flow.used.iter().find(|used| used.path == *path)?;
                Some(used.axes.clone())
            };
            if let (Some(one), Some(other)) = (axes(one), axes(other)) {
                for (one, other) in one.iter().zip(&other) {
                    flow.parts.unify(one, other, "one parameter");
                }
            }
        }
        for operation in &captured.operations {
            // What is given is recorded as made, without values.
            let mut outputs = operation.outputs();
            if outputs.any(|ir| flow.axes.contains_key(&ir.id)) {
                continue;
            }
            if let Some(ir) = operation
                .outputs()
                .find(|ir| captured.inputs.contains(&ir.id))
            {
                flow.constant(ir, "an input has it");
                continue;
            }
            flow.follow(operation);
        }
        for id in &captured.outputs {
            for axis in flow.axes.get(id).cloned().unwrap_or_default() {
                flow.parts.fix(&axis, "an output has it");
            }
        }
        flow.fix_what_is_not_understood();
        flow
    }

    /// A parameter's axis that no operation was seen to read or make in a known way.
    fn fix_what_is_not_understood(&mut self) {
        for used in &self.used {
            for (axis, role) in used.axes.iter().zip(&used.roles) {
                if *role == Role::default() {
                    let why = format!("what {} is for is not understood", used.path);
                    self.parts.fix(axis, &why);
                }
            }
        }
    }

    fn constant(&mut self, ir: &TensorIr, why: &str) -> Vec<Axis> {
        let sizes = ir.shape.iter();
        let axes: Vec<Axis> = sizes
            .map(|&size| self.parts.fixed_axis(size, why))
            .collect();
        self.axes.insert(ir.id, axes.clone());
        axes
    }

    fn axes_of(&mut self, ir: &TensorIr) -> Vec<Axis> {
        match self.axes.get(&ir.id) {
            Some(axes) => axes.clone(),
            None => self.constant(ir, "a constant of the forward pass has it"),
        }
    }

    fn put(&mut self, ir: &TensorIr, axes: Vec<Axis>) {
        self.axes.insert(ir.id, axes);
    }

    /// Notes what an operation does with the axis of a parameter, where its input is one.
    fn role(&mut self, ir: &TensorIr, axis: usize, set: impl FnOnce(&mut Role)) {
        if let Some((used, axes)) = self.origins.get(&ir.id)
            && let Some(Some(own)) = axes.get(axis)
        {
            set(&mut self.used[*used].roles[*own]);
        }
    }

    fn makes(&mut self, ir: &TensorIr, axis: usize) {
        self.role(ir, axis, |role| role.makes = true);
    }

    fn reads(&mut self, ir: &TensorIr, axis: usize) {
        self.role(ir, axis, |role| role.reads = true);
    }

    fn path(&self, ir: &TensorIr) -> Option<String> {
        let (used, _) = self.origins.get(&ir.id)?;
        Some(self.used[*used].path.clone())
    }

    fn follow(&mut self, operation: &OperationIr) {
        let why = name(operation);
        match Step::of(operation) {
            Step::Entries { inputs, out, .. } => self.entries(&inputs, out, &why),
            Step::Permute { input, out, axes } => {
                let from = self.axes_of(input);
                let permuted = axes.iter().map(|&axis| from[axis].clone()).collect();
                self.put(out, permuted);
                if let Some((used, own)) = self.origins.get(&input.id) {
                    let own = axes.iter().map(|&axis| own[axis]).collect();
                    self.origins.insert(out.id, (*used, own));
                }
            }
            Step::Reshape { input, out } => self.reshape(input, out, &why),
            Step::Repeat { input, out } => {
                let from = self.axes_of(input);
                let mut axes = Vec::new();
                for (axis, &size) in out.shape.iter().enumerate() {
                    let same = input.shape.get(axis).filter(|&&old| old == size).is_some();
                    axes.push(
                        match same && out.shape.num_dims() == input.shape.num_dims() {
                            true => from[axis].clone(),
                            false => {
                                if let Some(axis) = from.get(axis) {
                                    self.parts.fix(axis, &why);
                                }
                                // As many as something asks for: that follows or it does not.
                                self.parts.axis(size)
                            }
                        },
                    );
                }
                self.put(out, axes);
            }
            Step::Slice { input, out, ranges } => self.slice(input, out, ranges, &why),
            Step::Assign { input, value, out } => {
                let (axes, from) = (self.axes_of(input), self.axes_of(value));
                for (axis, (one, other)) in axes.iter().zip(&from).enumerate() {
                    match input.shape[axis] == value.shape[axis] {
                        true => self.parts.unify(one, other, &why),
                        false => {
                            self.parts.fix(one, &why);
                            self.parts.fix(other, &why);
                        }
                    }
                }
                self.put(out, axes);
            }
            Step::Cat { inputs, out, dim } => {
                let all: Vec<Vec<Axis>> = inputs.iter().map(|ir| self.axes_of(ir)).collect();
                let mut axes = Vec::new();
                for axis in 0..out.shape.num_dims() {
                    if axis == dim {
                        axes.push(all.iter().flat_map(|own| own[axis].clone()).collect());
                        continue;
                    }
                    for other in &all[1..] {
                        self.parts.unify(&all[0][axis], &other[axis], &why);
                    }
                    axes.push(all[0][axis].clone());
                }
                self.put(out, axes);
            }
            Step::Product {
                left,
                right,
                bias,
                out,
            } => self.product(left, right, bias, out, &why),
            Step::Convolution { .. } => self.convolution(&Step::of(operation), &why),
            Step::Places { input, out } => {
                let from = self.axes_of(input);
                let mut axes = from[..2].to_vec();
                for (axis, &size) in out.shape.iter().enumerate().skip(2) {
                    self.parts
                        .fix(&from[axis], "places of an image are not cut");
                    axes.push(
                        self.parts
                            .fixed_axis(size, "places of an image are not cut"),
                    );
                }
                self.put(out, axes);
            }
            Step::Embedding {
                table,
                indices,
                out,
            } => {
                let (rows, mut axes) = (self.axes_of(table), self.axes_of(indices));
                self.parts.fix(&rows[0], "indices name its rows");
                self.role(table, 0, |role| role.follows = true);
                self.makes(table, 1);
                axes.push(rows[1].clone());
                self.put(out, axes);
            }
            Step::BatchNorm {
                x,
                scale,
                statistics,
                out,
            } => {
                let axes = self.axes_of(x);
                for ir in scale {
                    let own = self.axes_of(ir);
                    self.parts.unify(&axes[1], &own[0], &why);
                    self.makes(ir, 0);
                }
                for ir in statistics {
                    let own = self.axes_of(ir);
                    self.parts.unify(&axes[1], &own[0], &why);
                    self.role(ir, 0, |role| role.follows = true);
                }
                self.put(out, axes);
            }
            Step::LayerNorm { x, scale, out } => {
                let axes = self.axes_of(x);
                let last = axes[axes.len() - 1].clone();
                for ir in scale {
                    let own = self.axes_of(ir);
                    self.parts.unify(&last, &own[0], &why);
                    self.makes(ir, 0);
                }
                self.parts
                    .mark_changing(&last, "layer norm takes its mean and variance");
                self.put(out, axes);
            }
            Step::Softmax { input, out, axis } => {
                let axes = self.axes_of(input);
                self.parts.fix(&axes[axis], &why);
                self.put(out, axes);
            }
            Step::Reduce {
                input,
                out,
                axes,
                mean,
            } => {
                let mut kept = self.axes_of(input);
                for axis in axes {
                    self.parts.mark_read(&kept[axis]);
                    if mean {
                        self.parts.mark_changing(&kept[axis], "its mean is taken");
                    }
                    kept[axis] = vec![Vec::new()];
                }
                self.put(out, kept);
            }
            Step::Attention {
                query,
                key,
                value,
                others,
                out,
            } => {
                let [q, k, v] = [query, key, value].map(|ir| self.axes_of(ir));
                let rank = q.len();
                self.parts.unify(&q[rank - 1], &k[rank - 1], &why);
                // The scale is taken from its size.
                self.parts
                    .mark_changing(&q[rank - 1], "attention is scaled by its size");
                self.parts.mark_read(&q[rank - 1]);
                for axis in 0..rank - 2 {
                    self.parts.unify(&q[axis], &k[axis], &why);
                    self.parts.unify(&q[axis], &v[axis], &why);
                }
                self.parts.unify(&k[rank - 2], &v[rank - 2], &why);
                self.parts.fix(&k[rank - 2], &why);
                for ir in others {
                    for (axis, own) in self.axes_of(ir).iter().enumerate() {
                        if axis + 2 < rank && ir.shape[axis] > 1 {
                            self.parts.unify(own, &q[axis], &why);
                        } else {
                            self.parts.fix(own, &why);
                        }
                    }
                }
                let mut axes = q.clone();
                axes[rank - 1] = v[rank - 1].clone();
                let batch = q[..rank - 1].to_vec();
                for last in [&q[rank - 1], &v[rank - 1]] {
                    let mut axes = batch.clone();
                    axes.extend([k[rank - 2].clone(), last.clone()]);
                    self.products.push(Product {
                        name: why.clone(),
                        axes,
                        times: 1,
                    });
                }
                self.put(out, axes);
            }
            Step::Make { out, .. } => {
                let axes = out
                    .shape
                    .iter()
                    .map(|&size| self.parts.axis(size))
                    .collect();
                self.put(out, axes);
            }
            Step::Nothing => {
                for ir in operation.outputs() {
                    self.axes_of(ir);
                }
            }
            Step::Unknown => {
                let why = format!("{why} is not understood");
                for ir in operation.inputs() {
                    for axis in self.axes_of(ir) {
                        self.parts.fix(&axis, &why);
                    }
                }
                for ir in operation.outputs() {
                    self.constant(ir, &why);
                }
            }
        }
    }

    fn entries(&mut self, inputs: &[&TensorIr], out: &TensorIr, why: &str) {
        let all: Vec<Vec<Axis>> = inputs.iter().map(|ir| self.axes_of(ir)).collect();
        let mut axes = Vec::new();
        for (axis, &size) in out.shape.iter().enumerate() {
            let like = |ir: &&TensorIr| ir.shape.get(axis) == Some(&size);
            let mut same = inputs.iter().zip(&all).filter(|(ir, _)| like(ir));
            let Some((_, first)) = same.next() else {
                axes.push(self.parts.fixed_axis(size, why));
                continue;
            };
            axes.push(first[axis].clone());
            for (_, other) in same {
                self.parts.unify(&first[axis], &other[axis], why);
            }
        }
        self.put(out, axes);
        if inputs.len() > 1 {
            for ir in inputs {
                for axis in 0..ir.shape.num_dims() {
                    self.makes(ir, axis);
                }
            }
        }
    }

    fn reshape(&mut self, input: &TensorIr, out: &TensorIr, why: &str) {
        let from = self.axes_of(input);
        let (old, new) = (input.shape.to_vec(), out.shape.to_vec());
        let mut axes = vec![vec![Vec::new()]; new.len()];
        let (mut i, mut j) = (0, 0);
        while i < old.len() || j < new.len() {
            // The next axes on both sides that hold as many entries.
            let (first, to) = (i, j);
            let (mut m, mut n) = (1, 1);
            loop {
                if m == n && (i > first || j > to) {
                    break;
                }
                match m <= n && i < old.len() {
                    true => {
                        m *= old[i];
                        i += 1;
                    }
                    false if j < new.len() => {
                        n *= new[j];
                        j += 1;
                    }
                    false => break,
                }
            }
            let own: Vec<Axis> = (first..i)
                .filter(|&axis| old[axis] > 1)
                .map(|axis| from[axis].clone())
                .collect();
            let places: Vec<usize> = (to..j).filter(|&axis| new[axis] > 1).collect();
            let divided = match (&own[..], &places[..]) {
                ([one], [_]) => Some(vec![one.clone()]),
                _ => {
                    let sizes: Vec<usize> = places.iter().map(|&axis| new[axis]).collect();
                    let merged = match own.is_empty() {
                        true => Some(vec![Vec::new()]),
                        false => self.parts.merge(&own),
                    };
                    match (merged, &sizes[..]) {
                        (Some(merged), [_]) => Some(vec![merged]),
                        (Some(merged), _) => self.parts.divide(&merged, &sizes),
                        (None, _) => None,
                    }
                }
            };
            match divided {
                Some(divided) => {
                    for (place, axis) in places.into_iter().zip(divided) {
                        axes[place] = axis;
                    }
                }
                None => {
                    let why = format!("{why} from {old:?} to {new:?} divides it in another way");
                    for axis in &own {
                        self.parts.fix(axis, &why);
                    }
                    for place in places {
                        axes[place] = self.parts.fixed_axis(new[place], &why);
                    }
                }
            }
        }
        self.put(out, axes);
        // A view that only has other axes of 1.
        let whole = |shape: &[usize]| -> Vec<usize> {
            (0..shape.len()).filter(|&axis| shape[axis] > 1).collect()
        };
        let (own, seen) = (whole(&old), whole(&new));
        let alike = own
            .iter()
            .map(|&axis| old[axis])
            .eq(seen.iter().map(|&axis| new[axis]));
        if let Some((used, known)) = self.origins.get(&input.id).filter(|_| alike) {
            let mut axes = vec![None; new.len()];
            for (&axis, &place) in own.iter().zip(&seen) {
                axes[place] = known[axis];
            }
            let entry = (*used, axes);
            // Axes of 1 are lost on the way: there is nothing to cut.
            for (axis, &size) in old.iter().enumerate() {
                if size == 1 {
                    self.role(input, axis, |role| role.follows = true);
                }
            }
            self.origins.insert(out.id, entry);
        }
    }

    fn slice(&mut self, input: &TensorIr, out: &TensorIr, ranges: &[Slice], why: &str) {
        let from = self.axes_of(input);
        let mut axes = Vec::new();
        for (axis, &size) in input.shape.iter().enumerate() {
            let length = size as isize;
            let (start, end, step) = ranges.get(axis).map_or((0, length, 1), |range| {
                (range.start, range.end.unwrap_or(length), range.step)
            });
            let at = |place: isize| match place < 0 {
                true => (place + length).max(0) as usize,
                false => place.min(length) as usize,
            };
            let (start, end) = (at(start), at(end));
            let one = &from[axis];
            if out.shape[axis] == size && step == 1 {
                axes.push(one.clone());
                continue;
            }
            let taken = match step == 1 && !self.parts.is_fixed(one) {
                true => self.parts.take(one, start, end),
                false => None,
            };
            axes.push(match taken {
                Some(taken) => taken,
                None => {
                    self.parts.fix(one, why);
                    self.parts.fixed_axis(out.shape[axis], why)
                }
            });
        }
        self.put(out, axes);
    }

    fn product(
        &mut self,
        left: &TensorIr,
        right: &TensorIr,
        bias: Option<&TensorIr>,
        out: &TensorIr,
        why: &str,
    ) {
        let (l, r) = (self.axes_of(left), self.axes_of(right));
        let (m, n) = (l.len(), r.len());
        if m == 0 || n < 2 {
            return self.put(out, Vec::new());
        }
        self.parts.unify(&l[m - 1], &r[n - 2], why);
        self.reads(left, m - 1);
        self.reads(right, n - 2);
        self.makes(right, n - 1);
        if m >= 2 {
            self.makes(left, m - 2);
        }
        if self.path(left).is_none() && self.path(right).is_none() {
            self.parts.mark_read(&l[m - 1]);
        }
        // A linear layer's weight is a matrix, whatever its input's rank.
        let mut axes = l.clone();
        if m == n {
            for axis in 0..m - 2 {
                let (one, other) = (left.shape[axis], right.shape[axis]);
                match one == other {
                    true => self.parts.unify(&l[axis], &r[axis], why),
                    false if one == 1 => axes[axis] = r[axis].clone(),
                    false => {}
                }
            }
        }
        axes[m - 1] = r[n - 1].clone();
        if let Some(bias) = bias {
            let own = self.axes_of(bias);
            self.parts.unify(&own[0], &r[n - 1], why);
            self.makes(bias, 0);
        }
        let name = self
            .path(right)
            .or(self.path(left))
            .unwrap_or(why.to_string());
        let counted = axes.iter().chain([&l[m - 1]]).cloned().collect();
        self.products.push(Product {
            name,
            axes: counted,
            times: 1,
        });
        self.put(out, axes);
    }

    fn convolution(&mut self, step: &Step<'_>, why: &str) {
        let Step::Convolution {
            x,
            weight,
            bias,
            groups,
            transposed,
            out,
        } = *step
        else {
            return;
        };
        let (from, own) = (self.axes_of(x), self.axes_of(weight));
        for axis in own.iter().skip(2).chain(from.iter().skip(2)) {
            self.parts.fix(axis, "places of an image are not cut");
        }
        for axis in 2..own.len() {
            self.role(weight, axis, |role| role.follows = true);
        }
        // [out, in / groups] or, transposed, [in, out / groups].
        let (whole, part) = (weight.shape[0], weight.shape[1]);
        let (group, inner) = match groups {
            1 => (vec![Vec::new()], own[0].clone()),
            _ => match self.parts.divide(&own[0], &[groups, whole / groups]) {
                Some(divided) => (divided[0].clone(), divided[1].clone()),
                None => {
                    self.parts.fix(&own[0], why);
                    let group = self.parts.fixed_axis(groups, why);
                    (group, self.parts.fixed_axis(whole / groups, why))
                }
            },
        };
        let merge = |parts: &Parts, inner: &Axis| match groups {
            1 => Some(inner.clone()),
            _ => parts.merge(&[group.clone(), inner.clone()]),
        };
        let other = match merge(&self.parts, &own[1]) {
            Some(axis) => axis,
            None => {
                self.parts.fix(&own[1], why);
                self.parts.fixed_axis(groups * part, why)
            }
        };
        let first = match groups {
            1 => inner,
            _ => own[0].clone(),
        };
        let (input, output) = match transposed {
            true => (first, other),
            false => (other, first),
        };
        self.parts.unify(&from[1], &input, why);
        // The axis that is whole reads or makes; with groups the units of both are in it.
        match transposed {
            false => {
                self.makes(weight, 0);
                self.reads(weight, 1);
            }
            true => {
                self.reads(weight, 0);
                self.makes(weight, 1);
                if groups > 1 {
                    self.makes(weight, 0);
                }
            }
        }
        if let Some(bias) = bias {
            let axes = self.axes_of(bias);
            self.parts.unify(&axes[0], &output, why);
            self.makes(bias, 0);
        }
        let mut axes = vec![from[0].clone(), output.clone()];
        for &size in out.shape.iter().skip(2) {
            axes.push(
                self.parts
                    .fixed_axis(size, "places of an image are not cut"),
            );
        }
        let kernel: usize = weight.shape.iter().skip(2).product();
        // Each output reads one group's inputs; transposed, each input's place is spread.
        let counted = match transposed {
            false => axes.iter().chain([&own[1]]).cloned().collect(),
            true => from.iter().chain([&own[1]]).cloned().collect(),
        };
        let name = self.path(weight).unwrap_or(why.to_string());
        self.products.push(Product {
            name,
            axes: counted,
            times: kernel,
        });
        self.put(out, axes);
    }
}
