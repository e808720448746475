//! All groups of a model.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use burn::module::{Module, ParamGroup};
use burn_ir::OperationIr;
use burn_seven_core::{Selection, Sparsity};

use crate::ShrinkError;
use crate::axis::PartId;
use crate::coupled::Coupled;
use crate::flow::Flow;
use crate::group::{Group, Member};
use crate::values::Values;
use crate::zeros::vanishing;

/// A product whose multiply-adds are counted.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    pub name: String,
    /// Sizes that no group has a part in, multiplied.
    pub fixed: f64,
    /// Sums of products of groups, by number, with the size of what else is in each of them.
    pub axes: Vec<Vec<(f64, Vec<usize>)>>,
}

/// The groups of a model: which axes of which parameters are the same neurons, channels or heads.
///
/// Found by [`groups`](crate::groups), or [stated by hand](Self::by_hand).
#[derive(Debug, Clone)]
pub struct Groups {
    pub(crate) groups: Vec<Group>,
    pub(crate) products: Vec<Counted>,
    /// Whether groups are cut that change the outputs.
    pub(crate) changing: bool,
}

impl Groups {
    /// Groups of a model whose forward pass cannot be captured.
    ///
    /// [`cut`](Self::cut) trusts them: a unit is cut out when all that reads it is zero, or all that
    /// makes it.
    ///
    /// ```
    /// # use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Device};
    /// use burn_seven_shrink::{Group, Groups};
    /// # #[derive(Module, Debug)]
    /// # struct Mlp { inner: Linear, outer: Linear }
    /// # let device = Device::flex();
    /// # let model = Mlp {
    /// #     inner: LinearConfig::new(4, 8).init(&device),
    /// #     outer: LinearConfig::new(8, 2).init(&device),
    /// # };
    /// let neurons = Group::new(8)
    ///     .made_by("inner.weight", 1)
    ///     .made_by("inner.bias", 0)
    ///     .read_by("outer.weight", 0);
    /// let groups = Groups::by_hand(&model, [neurons])?;
    /// let (small, report) = groups.cut(&model)?;
    /// # assert_eq!(report.groups()[0].after, 8);
    /// # Ok::<(), burn_seven_shrink::ShrinkError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ShrinkError::Missing`] or [`ShrinkError::Shape`] where a parameter is not there, or its axis is
    /// not a multiple of the number of units.
    pub fn by_hand<M: Module>(
        model: &M,
        groups: impl IntoIterator<Item = Group>,
    ) -> Result<Self, ShrinkError> {
        let values = Values::of(model, false)?;
        let mut groups: Vec<Group> = groups.into_iter().collect();
        for group in &mut groups {
            let units = group.units;
            for member in &mut group.members {
                let shape = values.shape(&member.path)?;
                let size = shape.get(member.axis).copied().unwrap_or(0);
                if units == 0 || size == 0 || !size.is_multiple_of(units) {
                    return Err(ShrinkError::Shape {
                        path: member.path.clone(),
                        axis: member.axis,
                        expected: units,
                        found: shape.to_vec(),
                    });
                }
                member.inner = size / units;
                member.size = size;
            }
        }
        Ok(Self {
            groups,
            products: Vec::new(),
            changing: false,
        })
    }

    pub(crate) fn of_flow(flow: &Flow, operations: &[OperationIr]) -> Self {
        let vanishing = vanishing(flow, operations);
        let mut groups: BTreeMap<PartId, Group> = BTreeMap::new();
        for used in &flow.used {
            for (axis, (whole, role)) in used.axes.iter().zip(&used.roles).enumerate() {
                let mut offset = 0;
                for stretch in flow.parts.resolve(whole) {
                    let size = flow.parts.size(&stretch);
                    let mut outer = 1;
                    for &id in &stretch {
                        let Some(part) = flow.parts.part(id) else {
                            continue; // of several parts that cannot be told apart: never cut
                        };
                        let group = groups.entry(id).or_insert_with(|| Group {
                            fixed: part.fixed.clone(),
                            changes: part.changes.clone(),
                            read: part.read,
                            vanishes: vanishing.contains(&id),
                            part: id,
                            ..Group::new(part.size)
                        });
                        group.members.push(Member {
                            path: used.path.clone(),
                            axis,
                            makes: role.makes,
                            reads: role.reads,
                            offset,
                            outer,
                            inner: size / (outer * part.size),
                            size: used.shape[axis],
                        });
                        outer *= part.size;
                    }
                    offset += size;
                }
            }
        }
        let groups: Vec<Group> = groups.into_values().collect();
        let products = counted(flow, &groups);
        Self {
            groups,
            products,
            changing: false,
        }
    }

    /// All groups, those that cannot be cut included.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter()
    }

    /// Groups that may be cut.
    pub fn free(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| self.is_free(group))
    }

    pub(crate) fn is_free(&self, group: &Group) -> bool {
        group.fixed.is_none() && (self.changing || group.changes.is_none())
    }

    /// The numbers of the groups that the structure prunes.
    pub(crate) fn pruned(&self) -> Vec<usize> {
        let Ok(structure) = self.structure() else {
            return Vec::new();
        };
        let pruned = |&number: &usize| structure.prunes(&self.groups[number]);
        (0..self.groups.len()).filter(pruned).collect()
    }

    /// The structure by which a pruner prunes these groups' units.
    ///
    /// A weight has two axes and is pruned along one: that of its outputs, or of its inputs where
    /// nothing can be cut from its outputs. Of attentions whole heads are units. Use
    /// [`selection`](Self::selection) with it.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::NothingToCut`] where no weight has units that can be cut.
    pub fn structure(&self) -> Result<Coupled, ShrinkError> {
        Coupled::new(self.free().cloned().collect()).ok_or_else(|| {
            let reason = |group: &Group| {
                let why = group.fixed.as_deref().or(group.changes.as_deref());
                format!(
                    "{} ({})",
                    group.name(),
                    why.unwrap_or("no weight is only its")
                )
            };
            let reasons: Vec<String> = self.groups.iter().map(reason).collect();
            ShrinkError::NothingToCut {
                reasons: reasons.join(", "),
            }
        })
    }

    /// The parameters that [`structure`](Self::structure) is for: the weights that hold units, with
    /// their biases and scales, so that a unit that is pruned is zero altogether.
    ///
    /// # Errors
    ///
    /// As [`structure`](Self::structure).
    pub fn selection(&self) -> Result<Selection, ShrinkError> {
        let structure = self.structure()?;
        let paths: Vec<String> = structure.paths().map(str::to_string).collect();
        let group = ParamGroup::from_paths(paths);
        Ok(Selection::new()
            .with_group(group.clone())
            .with_vectors(group)
            .with_embeddings(true))
    }

    /// Multiply-adds of a forward pass of the example, by layer in the order of the model.
    pub fn multiply_adds(&self) -> Vec<(String, u64)> {
        let kept = vec![1.0; self.groups.len()];
        let mut layers: Vec<(String, u64)> = Vec::new();
        for product in &self.products {
            let count = product.count(&self.groups, &kept).round() as u64;
            match layers.iter_mut().find(|(name, _)| *name == product.name) {
                Some((_, sum)) => *sum += count,
                None => layers.push((product.name.clone(), count)),
            }
        }
        layers
    }

    /// The sparsity at which the share of all multiply-adds that goes is nearest to `removed`, when the
    /// structure's groups all lose that share of their units, as with a
    /// [`UniformBudget`](burn_seven_core::UniformBudget). Units are whole: of 4 heads 2 or 3 stay. Other
    /// budgets end elsewhere.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::OutOfRange`] where that many cannot be removed so, or the forward pass is not
    /// known; [`ShrinkError::NothingToCut`].
    pub fn sparsity_for_multiply_adds(&self, removed: f64) -> Result<Sparsity, ShrinkError> {
        let structure = self.structure()?;
        let pruned: Vec<bool> = self
            .groups
            .iter()
            .map(|group| structure.prunes(group))
            .collect();
        let total = |kept: &[f64]| -> f64 {
            let counts = self
                .products
                .iter()
                .map(|product| product.count(&self.groups, kept));
            counts.sum()
        };
        let all = total(&vec![1.0; self.groups.len()]);
        let mut best: Option<(f64, Sparsity)> = None;
        let (mut most, mut seen) = (0.0, Vec::new());
        // Where a group loses one more unit.
        let own = self
            .groups
            .iter()
            .zip(&pruned)
            .filter(|(_, pruned)| **pruned);
        let counts = own.flat_map(|(group, _)| (1..=group.units).map(|kept| (kept, group.units)));
        for (kept, units) in counts {
            let sparsity = Sparsity::new(1.0 - kept as f64 / units as f64)?;
            if seen.contains(&sparsity) {
                continue;
            }
            seen.push(sparsity);
            let kept = self
                .groups
                .iter()
                .zip(&pruned)
                .map(|(group, pruned)| match pruned {
                    true => sparsity.kept(group.units).max(1) as f64 / group.units as f64,
                    false => 1.0,
                });
            let share = 1.0 - total(&kept.collect::<Vec<f64>>()) / all;
            most = f64::max(most, share);
            let nearer = |(distance, other): &(f64, Sparsity)| {
                let own = (share - removed).abs();
                own < *distance || own == *distance && sparsity.value() < other.value()
            };
            if best.as_ref().is_none_or(nearer) {
                best = Some(((share - removed).abs(), sparsity));
            }
        }
        match best {
            Some((_, sparsity)) if (0.0..=most).contains(&removed) => Ok(sparsity),
            _ => Err(ShrinkError::OutOfRange {
                parameter: "share of multiply-adds",
                expected: "at least 0, and at most what the groups hold",
                found: format!("{removed} where {most:.3} can go"),
            }),
        }
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.groups
            .iter()
            .try_for_each(|group| writeln!(f, "{group}"))
    }
}

impl Counted {
    /// Multiply-adds where this share of each group's units is kept.
    pub fn count(&self, groups: &[Group], kept: &[f64]) -> f64 {
        let stretch = |(size, parts): &(f64, Vec<usize>)| -> f64 {
            let sizes = parts
                .iter()
                .map(|&part| groups[part].units as f64 * kept[part]);
            size * sizes.product::<f64>()
        };
        let axis =
            |stretches: &Vec<(f64, Vec<usize>)>| -> f64 { stretches.iter().map(stretch).sum() };
        self.fixed * self.axes.iter().map(axis).product::<f64>()
    }
}

fn counted(flow: &Flow, groups: &[Group]) -> Vec<Counted> {
    let numbers: HashMap<PartId, usize> = groups
        .iter()
        .enumerate()
        .map(|(at, group)| (group.part, at))
        .collect();
    let products = flow.products.iter().map(|product| {
        let axes = product.axes.iter().map(|axis| {
            let stretches = flow.parts.resolve(axis).into_iter().map(|stretch| {
                let (mut size, mut parts) = (1.0, Vec::new());
                for id in stretch {
                    match numbers.get(&id) {
                        Some(&number) => parts.push(number),
                        None => size *= flow.parts.size(&[id]) as f64,
                    }
                }
                (size, parts)
            });
            stretches.collect()
        });
        Counted {
            name: product.name.clone(),
            fixed: product.times as f64,
            axes: axes.collect(),
        }
    });
    products.collect()
}
