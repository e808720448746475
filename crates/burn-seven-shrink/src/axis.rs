//! Axes of tensors as sums and products of parts that may be cut.

/// The number of a [part](Part).
pub(crate) type PartId = usize;

/// Parts whose product is a stretch of an axis, the outermost first. A stretch of size 1 has none.
pub(crate) type Stretch = Vec<PartId>;

/// Stretches that follow one another, as concatenation makes them.
pub(crate) type Axis = Vec<Stretch>;

/// A factor of an axis: the channels of a convolution, the heads of an attention, a batch.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub size: usize,
    /// Why nothing can be cut from it.
    pub fixed: Option<String>,
    /// Why the outputs change when a unit of it is cut, even one of zeros.
    pub changes: Option<String>,
    /// Whether something else than a weight reads it, such as a sum.
    pub read: bool,
}

#[derive(Debug, Clone)]
enum Node {
    Root(Part),
    Same(PartId),
    Product(Vec<PartId>),
    Sum(Vec<PartId>),
}

/// All parts that are known, and which of them are one and the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    nodes: Vec<Node>,
}

impl Parts {
    pub fn add(&mut self, size: usize) -> PartId {
        self.push(Part {
            size,
            fixed: None,
            changes: None,
            read: false,
        })
    }

    fn push(&mut self, part: Part) -> PartId {
        self.nodes.push(Node::Root(part));
        self.nodes.len() - 1
    }

    /// A new axis of one part.
    pub fn axis(&mut self, size: usize) -> Axis {
        match size {
            1 => vec![Vec::new()],
            _ => vec![vec![self.add(size)]],
        }
    }

    /// A new axis that cannot be cut.
    pub fn fixed_axis(&mut self, size: usize, why: &str) -> Axis {
        let axis = self.axis(size);
        self.fix(&axis, why);
        axis
    }

    fn root(&self, mut id: PartId) -> PartId {
        while let Node::Same(next) = self.nodes[id] {
            id = next;
        }
        id
    }

    /// The part of a number that [`resolve`](Self::resolve) gave.
    pub fn part(&self, id: PartId) -> Option<&Part> {
        match &self.nodes[self.root(id)] {
            Node::Root(part) => Some(part),
            _ => None,
        }
    }

    fn size_of(&self, id: PartId) -> usize {
        match &self.nodes[self.root(id)] {
            Node::Root(part) => part.size,
            Node::Product(parts) => parts.iter().map(|&part| self.size_of(part)).product(),
            Node::Sum(parts) => parts.iter().map(|&part| self.size_of(part)).sum(),
            Node::Same(_) => 0, // not a root
        }
    }

    /// The size of a stretch.
    pub fn size(&self, stretch: &[PartId]) -> usize {
        stretch.iter().map(|&part| self.size_of(part)).product()
    }

    /// An axis in terms of the parts that it has by now.
    pub fn resolve(&self, axis: &Axis) -> Axis {
        let mut resolved = Vec::new();
        let mut left: Vec<Stretch> = axis.iter().rev().cloned().collect();
        'stretches: while let Some(stretch) = left.pop() {
            let mut plain = Vec::new();
            for (place, &id) in stretch.iter().enumerate() {
                let id = self.root(id);
                match &self.nodes[id] {
                    Node::Root(part) if part.size == 1 => {}
                    Node::Product(parts) => {
                        plain.extend(parts);
                        plain.extend(&stretch[place + 1..]);
                        left.push(plain);
                        continue 'stretches;
                    }
                    // A sum of parts times the rest is a sum; behind another part it stays whole.
                    Node::Sum(parts) if plain.is_empty() => {
                        for part in parts.iter().rev() {
                            let rest = stretch[place + 1..].iter().copied();
                            left.push(std::iter::once(*part).chain(rest).collect());
                        }
                        continue 'stretches;
                    }
                    _ => plain.push(id),
                }
            }
            resolved.push(plain);
        }
        resolved
    }

    fn each(&mut self, axis: &Axis, change: &mut impl FnMut(&mut Part)) {
        let mut left: Vec<PartId> = axis.iter().flatten().copied().collect();
        while let Some(id) = left.pop() {
            let id = self.root(id);
            match &mut self.nodes[id] {
                Node::Root(part) => change(part),
                Node::Product(parts) | Node::Sum(parts) => left.extend(parts.iter()),
                Node::Same(_) => {}
            }
        }
    }

    /// Nothing can be cut from this axis.
    pub fn fix(&mut self, axis: &Axis, why: &str) {
        self.each(axis, &mut |part| {
            part.fixed.get_or_insert_with(|| why.to_string());
        });
    }

    /// A cut of this axis changes the outputs.
    pub fn mark_changing(&mut self, axis: &Axis, why: &str) {
        self.each(axis, &mut |part| {
            part.changes.get_or_insert_with(|| why.to_string());
        });
    }

    /// Something else than a weight reads this axis.
    pub fn mark_read(&mut self, axis: &Axis) {
        self.each(axis, &mut |part| part.read = true);
    }

    /// Whether all of an axis is fixed.
    pub fn is_fixed(&self, axis: &Axis) -> bool {
        let axis = self.resolve(axis);
        let mut parts = axis.iter().flatten();
        parts.all(|&id| self.part(id).is_some_and(|part| part.fixed.is_some()))
    }

    /// Two axes are one and the same: what is cut from one is cut from the other.
    pub fn unify(&mut self, one: &Axis, other: &Axis, why: &str) {
        // Each round makes two parts one or divides a part, so that there is an end to it.
        loop {
            let (a, b) = (self.resolve(one), self.resolve(other));
            let Some((left, right)) = a.iter().zip(&b).find(|(left, right)| left != right) else {
                if a.len() != b.len() {
                    self.fix_both(one, other, why);
                }
                return;
            };
            let (m, n) = (self.size(left), self.size(right));
            let done = match m.cmp(&n) {
                std::cmp::Ordering::Equal => self.unify_stretches(left, right),
                std::cmp::Ordering::Less => self.split_sum(right, m),
                std::cmp::Ordering::Greater => self.split_sum(left, n),
            };
            if !done {
                self.fix_both(one, other, why);
                return;
            }
        }
    }

    fn fix_both(&mut self, one: &Axis, other: &Axis, why: &str) {
        let why = format!("{why}: its axes are divided in two ways");
        self.fix(one, &why);
        self.fix(other, &why);
    }

    /// One step towards two stretches of equal size becoming one; whether there was one.
    fn unify_stretches(&mut self, left: &[PartId], right: &[PartId]) -> bool {
        let Some((&a, &b)) = left.iter().zip(right).find(|(a, b)| a != b) else {
            return false;
        };
        let (m, n) = (self.size_of(a), self.size_of(b));
        match m.cmp(&n) {
            std::cmp::Ordering::Equal => self.join(a, b),
            std::cmp::Ordering::Less => self.split_product(b, m),
            std::cmp::Ordering::Greater => self.split_product(a, n),
        }
    }

    fn join(&mut self, a: PartId, b: PartId) -> bool {
        let (Node::Root(one), Node::Root(other)) = (&self.nodes[a], &self.nodes[b]) else {
            return false;
        };
        let joined = Part {
            size: one.size,
            fixed: one.fixed.clone().or(other.fixed.clone()),
            changes: one.changes.clone().or(other.changes.clone()),
            read: one.read || other.read,
        };
        // The earlier part stays, so that groups come in the order of the model.
        let (first, second) = (a.min(b), a.max(b));
        self.nodes[first] = Node::Root(joined);
        self.nodes[second] = Node::Same(first);
        true
    }

    /// Divides a part into `outer` times the rest.
    fn split_product(&mut self, id: PartId, outer: usize) -> bool {
        let Node::Root(part) = self.nodes[id].clone() else {
            return false;
        };
        if outer == 0 || part.size % outer != 0 {
            return false;
        }
        let inner = part.size / outer;
        let parts = [outer, inner].map(|size| {
            self.push(Part {
                size,
                ..part.clone()
            })
        });
        self.nodes[id] = Node::Product(parts.to_vec());
        true
    }

    /// Divides a stretch after `size` entries.
    fn split_sum(&mut self, stretch: &[PartId], size: usize) -> bool {
        let Some((&id, rest)) = stretch.split_first() else {
            return false;
        };
        let inner = self.size(rest);
        let Node::Root(part) = self.nodes[id].clone() else {
            return false;
        };
        if inner == 0 || !size.is_multiple_of(inner) || size / inner >= part.size {
            return false;
        }
        let first = size / inner;
        let parts = [first, part.size - first].map(|size| {
            self.push(Part {
                size,
                ..part.clone()
            })
        });
        self.nodes[id] = Node::Sum(parts.to_vec());
        true
    }

    /// The entries `start..end` of an axis, or none where its parts cannot be divided so.
    pub fn take(&mut self, axis: &Axis, start: usize, end: usize) -> Option<Axis> {
        loop {
            let resolved = self.resolve(axis);
            let (mut offset, mut taken, mut cut) = (0, Vec::new(), None);
            for stretch in &resolved {
                let size = self.size(stretch);
                let inside = |at: usize| at > offset && at < offset + size;
                if let Some(at) = [start, end].into_iter().find(|&at| inside(at)) {
                    cut = Some((stretch.clone(), at - offset));
                    break;
                }
                if offset >= start && offset + size <= end {
                    taken.push(stretch.clone());
                }
                offset += size;
            }
            match cut {
                None => return Some(taken),
                Some((stretch, at)) if self.split_sum(&stretch, at) => {}
                Some(_) => return None,
            }
        }
    }

    /// Axes that lie in one another, the outermost first, as one; none where that has no form.
    pub fn merge(&self, axes: &[Axis]) -> Option<Axis> {
        let (first, rest) = axes.split_first()?;
        let mut inner = Vec::new();
        for axis in rest {
            match &self.resolve(axis)[..] {
                [stretch] => inner.extend(stretch),
                _ => return None,
            }
        }
        let first = self.resolve(first);
        let join = |stretch: &Stretch| stretch.iter().chain(&inner).copied().collect();
        Some(first.iter().map(join).collect())
    }

    /// An axis as axes of these sizes, the outermost first; none where its parts cannot be divided
    /// so.
    pub fn divide(&mut self, axis: &Axis, sizes: &[usize]) -> Option<Vec<Axis>> {
        'again: loop {
            let resolved = self.resolve(axis);
            let [stretch] = &resolved[..] else {
                return None;
            };
            let (mut axes, mut parts) = (Vec::new(), stretch.iter());
            for &size in sizes {
                let (mut left, mut own) = (size, Vec::new());
                while left > 1 {
                    let &id = parts.next()?;
                    let has = self.size_of(id);
                    if left % has == 0 {
                        own.push(id);
                        left /= has;
                    } else if self.split_product(id, left) {
                        continue 'again;
                    } else {
                        return None;
                    }
                }
                axes.push(vec![own]);
            }
            return Some(axes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Columns of a query weight, 12 of them, seen as 3 heads of 4; then the rows of another weight
    // are those columns.
    #[test]
    fn a_division_is_seen_from_everywhere() {
        let mut parts = Parts::default();
        let (columns, rows) = (parts.axis(12), parts.axis(12));
        let heads = parts.divide(&columns, &[3, 4]).unwrap();
        let merged = parts.merge(&heads).unwrap();
        parts.unify(&merged, &rows, "add");
        let rows = parts.resolve(&rows);
        assert_eq!(rows, parts.resolve(&columns));
        let sizes: Vec<usize> = rows[0].iter().map(|&id| parts.size_of(id)).collect();
        assert_eq!(sizes, [3, 4]);
    }

    // Two of 3 and 5 channels behind one another are read by a weight of 8 rows.
    #[test]
    fn concatenated_axes_divide_what_reads_them() {
        let mut parts = Parts::default();
        let (a, b, rows) = (parts.axis(3), parts.axis(5), parts.axis(8));
        parts.unify(&[a.clone(), b.clone()].concat(), &rows, "product");
        assert_eq!(
            parts.resolve(&rows),
            [parts.resolve(&a), parts.resolve(&b)].concat()
        );
        assert_eq!(parts.take(&rows, 3, 8), Some(parts.resolve(&b)));
    }

    // 2 x 3 and 3 x 2 have no common parts.
    #[test]
    fn what_is_divided_in_two_ways_is_fixed() {
        let mut parts = Parts::default();
        let (a, b) = (parts.axis(6), parts.axis(6));
        parts.divide(&a, &[2, 3]).unwrap();
        parts.divide(&b, &[3, 2]).unwrap();
        parts.unify(&a, &b, "add");
        assert!(parts.is_fixed(&a) && parts.is_fixed(&b));
    }
}
