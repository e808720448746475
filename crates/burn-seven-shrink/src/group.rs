//! What is cut together.

use std::fmt;

/// Where the units of a [`Group`] are in one axis of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The parameter's path.
    pub path: String,
    /// The axis, as Burn stores it.
    pub axis: usize,
    /// Whether its entries make the units: a layer's outputs, a bias, a scale.
    pub makes: bool,
    /// Whether its entries are multiplied with the units: a layer's inputs.
    pub reads: bool,
    /// The first place of the axis that is of the units.
    pub offset: usize,
    /// How often all units follow one another.
    pub outer: usize,
    /// How many places of the axis in a row are of one unit.
    pub inner: usize,
    /// The axis's size, which is more than the units take where others are behind or before them.
    pub size: usize,
}

impl Member {
    /// The places of one of so many units.
    pub(crate) fn places(&self, unit: usize, units: usize) -> impl Iterator<Item = usize> + '_ {
        let start = move |outer: usize| self.offset + (outer * units + unit) * self.inner;
        (0..self.outer).flat_map(move |outer| start(outer)..start(outer) + self.inner)
    }
}

/// Units, such as the neurons of a layer, and all parameters that hold a part of each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(crate) units: usize,
    pub(crate) members: Vec<Member>,
    pub(crate) fixed: Option<String>,
    pub(crate) changes: Option<String>,
    /// Whether something else than a weight reads the units.
    pub(crate) read: bool,
    /// Whether units whose makers are zero are zeros wherever they are read.
    pub(crate) vanishes: bool,
    /// The number of the part in the captured forward pass.
    pub(crate) part: usize,
}

impl Group {
    /// A group of so many units, stated by hand: see [`Groups::by_hand`](crate::Groups::by_hand).
    pub fn new(units: usize) -> Self {
        Self {
            units,
            members: Vec::new(),
            fixed: None,
            changes: None,
            read: false,
            vanishes: true,
            part: usize::MAX,
        }
    }

    /// The units are made along an axis of this parameter, such as the outputs (axis 1) of a linear
    /// weight (`[inputs, outputs]`) and its bias (axis 0).
    pub fn made_by(self, path: impl Into<String>, axis: usize) -> Self {
        self.with(path, axis, true)
    }

    /// The units are read along an axis of this parameter, such as the inputs (axis 0) of a linear
    /// weight.
    pub fn read_by(self, path: impl Into<String>, axis: usize) -> Self {
        self.with(path, axis, false)
    }

    fn with(mut self, path: impl Into<String>, axis: usize, makes: bool) -> Self {
        self.members.push(Member {
            path: path.into(),
            axis,
            makes,
            reads: !makes,
            offset: 0,
            outer: 1,
            // Both from the parameter's shape.
            inner: 0,
            size: 0,
        });
        self
    }

    /// How many units there are.
    pub fn units(&self) -> usize {
        self.units
    }

    /// What holds a part of each unit.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The first parameter that makes the units.
    pub fn name(&self) -> &str {
        let makes = self.members.iter().find(|member| member.makes);
        let first = makes.or(self.members.first());
        first.map_or("none", |member| &member.path)
    }

    /// Why nothing can be cut from it, if so.
    pub fn fixed(&self) -> Option<&str> {
        self.fixed.as_deref()
    }

    /// Why outputs change when a unit of it is cut, even one that is zero; such groups are cut
    /// [where that is asked for](crate::Shrink::with_changes).
    pub fn changes(&self) -> Option<&str> {
        self.changes.as_deref()
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} units", self.name(), self.units)?;
        for member in &self.members {
            let how = match (member.makes, member.reads) {
                (true, true) => "makes and reads",
                (true, false) => "makes",
                (false, true) => "reads",
                (false, false) => "follows",
            };
            write!(f, "\n  {} axis {}, {how}", member.path, member.axis)?;
        }
        match (&self.fixed, &self.changes) {
            (Some(why), _) => write!(f, "\n  not to be cut: {why}"),
            (None, Some(why)) => write!(f, "\n  a cut changes the outputs: {why}"),
            (None, None) => Ok(()),
        }
    }
}
