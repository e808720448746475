//! What pruning did to each layer.

use std::fmt;
use std::time::Duration;

use burn_seven_core::Sparsity;

/// What pruning did to one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerReport {
    /// The weight's path.
    pub path: String,
    /// Inputs and outputs; of a convolution, the entries of a patch and the channels.
    pub shape: [usize; 2],
    /// How many entries its mask keeps; one of them may be zero, if it was before.
    pub kept: usize,
    /// The root of the sum of squares of what its outputs changed by, over that of the outputs, on the
    /// calibration inputs as they come from the pruned layers before it.
    pub error: f64,
    /// What was added to the diagonal of the inputs' second moments, in shares of its mean; 0 where
    /// nothing was solved.
    pub damping: f64,
    /// How many rows of inputs it saw.
    pub samples: usize,
    /// How long its inputs and its pruning took.
    pub time: Duration,
}

impl LayerReport {
    /// The share of its weights that its mask does not keep, in `[0, 1)`.
    pub fn sparsity(&self) -> f64 {
        let all = (self.shape[0] * self.shape[1]).max(1);
        1.0 - self.kept as f64 / all as f64
    }
}

/// What pruning did, layer by layer in the order of the forward pass.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AfterReport {
    /// The layers that were pruned.
    pub layers: Vec<LayerReport>,
    /// Layers that were left alone, and why.
    pub skipped: Vec<(String, String)>,
}

impl AfterReport {
    /// The share of weights that are not kept, of all layers of this report.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`](burn_seven_core::Error::OutOfRange) if no weight is kept at all.
    pub fn sparsity(&self) -> Result<Sparsity, burn_seven_core::Error> {
        let all = |layer: &LayerReport| layer.shape[0] * layer.shape[1];
        let kept = self.layers.iter().map(|layer| layer.kept).sum();
        Sparsity::of_counts(kept, self.layers.iter().map(all).sum())
    }
}

impl fmt::Display for AfterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.layers.iter().map(|layer| layer.path.len());
        let width = paths.max().unwrap_or(0).max("layer".len());
        writeln!(
            f,
            "{:width$}  {:>12}  sparsity    error  damping      time",
            "layer", "in x out"
        )?;
        for layer in &self.layers {
            writeln!(
                f,
                "{:width$}  {:>12}  {:7.2} %  {:7.4}  {:7.0e}  {:6.2} s",
                layer.path,
                format!("{} x {}", layer.shape[0], layer.shape[1]),
                100.0 * layer.sparsity(),
                layer.error,
                layer.damping,
                layer.time.as_secs_f64(),
            )?;
        }
        for (path, why) in &self.skipped {
            writeln!(f, "{path:width$}  left alone: {why}")?;
        }
        Ok(())
    }
}
