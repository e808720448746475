//! What was cut.

use std::fmt;

/// One group before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupReport {
    /// The first parameter that makes the units.
    pub name: String,
    /// Units before.
    pub before: usize,
    /// Units after.
    pub after: usize,
    /// Why units that are zero were not cut, if so.
    pub refused: Option<String>,
}

/// One layer's multiply-adds for the example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerReport {
    /// The weight's path, or the operation's name.
    pub name: String,
    /// Multiply-adds before.
    pub before: u64,
    /// Multiply-adds after.
    pub after: u64,
}

/// A model before and after it was cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ShrinkReport {
    pub(crate) groups: Vec<GroupReport>,
    pub(crate) layers: Vec<LayerReport>,
    pub(crate) parameters: [usize; 2],
    pub(crate) bytes: [usize; 2],
    pub(crate) seconds: Option<[f64; 2]>,
}

impl ShrinkReport {
    /// Groups that a pruner prunes or of which something was cut, and those that could not be cut although
    /// units are zero.
    pub fn groups(&self) -> &[GroupReport] {
        &self.groups
    }

    /// Multiply-adds of products for the example, by layer; none for groups stated by hand.
    pub fn layers(&self) -> &[LayerReport] {
        &self.layers
    }

    /// Multiply-adds before and after.
    pub fn multiply_adds(&self) -> [u64; 2] {
        let sum = |of: fn(&LayerReport) -> u64| self.layers.iter().map(of).sum();
        [sum(|layer| layer.before), sum(|layer| layer.after)]
    }

    /// Entries of all parameters before and after, running statistics included.
    pub fn parameters(&self) -> [usize; 2] {
        self.parameters
    }

    /// Bytes of all parameters before and after.
    pub fn bytes(&self) -> [usize; 2] {
        self.bytes
    }

    /// Seconds that the forward pass of the example takes, before and after, where they were
    /// [measured](crate::Shrink::with_timing).
    pub fn seconds(&self) -> Option<[f64; 2]> {
        self.seconds
    }

    /// Whether anything was cut.
    pub fn is_smaller(&self) -> bool {
        self.parameters[1] < self.parameters[0]
    }
}

impl fmt::Display for ShrinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.groups.iter().map(|group| &group.name);
        let names = names.chain(self.layers.iter().map(|layer| &layer.name));
        let width = names
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max("multiply-adds".len());
        writeln!(f, "{:width$}  {:>9}  {:>9}", "units", "before", "after")?;
        for group in &self.groups {
            let bar = "#".repeat((20 * group.after).div_ceil(group.before.max(1)));
            write!(
                f,
                "{:width$}  {:>9}  {:>9}  {bar:.<20}",
                group.name, group.before, group.after
            )?;
            match &group.refused {
                Some(why) => writeln!(f, "  not cut: {why}")?,
                None => writeln!(f)?,
            }
        }
        if !self.layers.is_empty() {
            writeln!(f, "multiply-adds")?;
        }
        let mut row = |name: &str, before: f64, after: f64, digits: usize| {
            let share = 100.0 * after / before.max(f64::MIN_POSITIVE);
            writeln!(
                f,
                "{name:width$}  {before:>9.digits$}  {after:>9.digits$}  {share:>5.1} %"
            )
        };
        for layer in &self.layers {
            row(&layer.name, layer.before as f64, layer.after as f64, 0)?;
        }
        let [before, after] = self.multiply_adds();
        if before > 0 {
            row("all", before as f64, after as f64, 0)?;
        }
        row(
            "parameters",
            self.parameters[0] as f64,
            self.parameters[1] as f64,
            0,
        )?;
        row("bytes", self.bytes[0] as f64, self.bytes[1] as f64, 0)?;
        match self.seconds {
            Some([before, after]) => row("milliseconds", 1e3 * before, 1e3 * after, 3),
            None => Ok(()),
        }
    }
}
