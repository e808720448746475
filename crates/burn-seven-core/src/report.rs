//! What was pruned, weight by weight and in all.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::weights::{LeftOut, Weight};

/// Below this share of kept entries a weight is reported as near collapse.
pub const NEAR_COLLAPSE: f64 = 0.01;

/// How sparse a model is, and how the pruning went. `Display` is an aligned table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The scorer's name.
    pub scorer: String,
    /// The schedule's name.
    pub schedule: String,
    /// Steps taken so far.
    pub steps: usize,
    /// The steps of the schedule's window.
    pub window: Range<usize>,
    /// Steps left out for NaN or infinite values.
    pub skipped_steps: usize,
    /// Exact zeros that the model came with and that were taken for pruned.
    pub zeros_taken: usize,
    /// The selected weights, in the model's order.
    pub weights: Vec<WeightReport>,
    /// Entries of all selected weights.
    pub total: usize,
    /// Those that are not exactly 0.
    pub kept: usize,
    /// The share of exact zeros among them.
    pub sparsity: f64,
    /// The schedule's final sparsity.
    pub target: f64,
    /// Float parameters that are not pruned, and why.
    pub left_out: Vec<LeftOut>,
    /// Which implementation chose the masks.
    pub kernels: String,
}

/// How sparse one weight is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightReport {
    /// Where the weight is in the module.
    pub path: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How many entries it has.
    pub total: usize,
    /// How many of them are not exactly 0.
    pub kept: usize,
    /// The share of exact zeros.
    pub sparsity: f64,
    /// Whether it was about to lose more than the floor allows, and was held at it.
    pub held: bool,
    /// Whether less than [`NEAR_COLLAPSE`] of it is kept, or it was held.
    pub near_collapse: bool,
}

impl WeightReport {
    pub(crate) fn new(weight: &Weight, kept: usize, held: bool) -> Self {
        let total = weight.count();
        Self {
            path: weight.path().to_string(),
            shape: weight.shape().to_vec(),
            total,
            kept,
            sparsity: share_of_zeros(kept, total),
            held,
            near_collapse: held || (kept as f64) < NEAR_COLLAPSE * total as f64,
        }
    }
}

pub(crate) fn share_of_zeros(kept: usize, total: usize) -> f64 {
    (total - kept) as f64 / total.max(1) as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |weight: &WeightReport| {
            let shape: Vec<String> = weight.shape.iter().map(usize::to_string).collect();
            let note = match (weight.held, weight.near_collapse) {
                (true, _) => "held at the floor",
                (_, true) => "near collapse",
                _ => "",
            };
            let sparsity = format!("{:.2} %", 100.0 * weight.sparsity);
            [
                weight.path.clone(),
                shape.join("x"),
                weight.total.to_string(),
                weight.kept.to_string(),
                sparsity,
                note.to_string(),
            ]
        };
        let head = ["weight", "shape", "entries", "kept", "sparsity", ""].map(str::to_string);
        let sum = [
            format!("all {} weights", self.weights.len()),
            String::new(),
            self.total.to_string(),
            self.kept.to_string(),
            format!("{:.2} %", 100.0 * self.sparsity),
            format!("target {:.2} %", 100.0 * self.target),
        ];
        let rows: Vec<[String; 6]> = std::iter::once(head)
            .chain(self.weights.iter().map(row))
            .chain([sum])
            .collect();
        let width = |column: usize| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..6).map(width).collect();
        for row in &rows {
            let mut line = format!("{:<1$}  {2:<3$}", row[0], widths[0], row[1], widths[1]);
            for column in 2..5 {
                line += &format!("  {:>1$}", row[column], widths[column]);
            }
            writeln!(f, "{}", format!("{line}  {}", row[5]).trim_end())?;
        }
        let left: usize = self.left_out.iter().map(|left| left.count).sum();
        writeln!(
            f,
            "not pruned: {} parameters, {left} entries; scorer {}, schedule {}, {} steps, masks by {}",
            self.left_out.len(),
            self.scorer,
            self.schedule,
            self.steps,
            self.kernels
        )?;
        for (reason, paths) in self.reasons() {
            let more = match paths.len() {
                0..=SHOWN => String::new(),
                count => format!(" and {} more", count - SHOWN),
            };
            let first: Vec<&str> = paths.into_iter().take(SHOWN).collect();
            writeln!(f, "  {reason}: {}{more}", first.join(", "))?;
        }
        if self.steps < self.window.end {
            writeln!(
                f,
                "warning: only {} of {} steps of the schedule were taken",
                self.steps, self.window.end
            )?;
        }
        if self.zeros_taken > 0 {
            writeln!(
                f,
                "{} zeros of the model were taken for pruned",
                self.zeros_taken
            )?;
        }
        let collapsed = self.weights.iter().filter(|weight| weight.near_collapse);
        let collapsed: Vec<&str> = collapsed.map(|weight| weight.path.as_str()).collect();
        if !collapsed.is_empty() {
            writeln!(
                f,
                "warning: almost nothing is left of {}",
                collapsed.join(", ")
            )?;
        }
        if self.skipped_steps > 0 {
            writeln!(
                f,
                "{} steps left out for NaN or infinite values",
                self.skipped_steps
            )?;
        }
        Ok(())
    }
}

/// How many paths are shown for each reason.
const SHOWN: usize = 5;

impl Report {
    /// Why parameters are left out, each with their paths.
    fn reasons(&self) -> Vec<(&str, Vec<&str>)> {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for left in &self.left_out {
            match reasons
                .iter_mut()
                .find(|(reason, _)| *reason == left.reason)
            {
                Some((_, paths)) => paths.push(&left.path),
                None => reasons.push((&left.reason, vec![&left.path])),
            }
        }
        reasons
    }
}
