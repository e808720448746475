//! What was packed and what was not.

use std::fmt;

use super::ROWS;

/// What became of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It has a packed form.
    Packed,
    /// It stays dense, because that is faster or the rule says so.
    Dense,
    /// It stays dense, because its backend has no sparse product.
    NoKernel,
    /// It stays dense, because only float32 is packed.
    NotFloat32,
}

/// One [`SparseLinear`](super::SparseLinear) layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerReport {
    /// The weight's path in the module.
    pub path: String,
    /// The weight's shape, `[d_input, d_output]`.
    pub shape: [usize; 2],
    /// The share of weights that are 0; none where they were not looked at.
    pub sparsity: Option<f64>,
    /// Bytes of the dense weight.
    pub dense_bytes: usize,
    /// Bytes of the packed weight.
    pub packed_bytes: Option<usize>,
    /// The dense product's time over the packed one's, for each of [`ROWS`]; none where nothing
    /// was timed.
    pub speedups: Option<[f64; ROWS.len()]>,
    /// What became of it.
    pub choice: Choice,
}

/// What [`pack`](super::pack) did, layer by layer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PackReport {
    /// All [`SparseLinear`](super::SparseLinear) layers, in the model's order.
    pub layers: Vec<LayerReport>,
}

impl PackReport {
    /// How many layers have a packed form.
    pub fn packed(&self) -> usize {
        let packed = |layer: &&LayerReport| layer.choice == Choice::Packed;
        self.layers.iter().filter(packed).count()
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Packed => "packed",
            Self::Dense => "dense",
            Self::NoKernel => "dense: no sparse product for it on this backend",
            Self::NotFloat32 => "dense: not float32",
        })
    }
}

impl fmt::Display for PackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let long = |layer: &LayerReport| layer.path.len();
        let width = self.layers.iter().map(long).max().unwrap_or(0).max(6);
        let rows = ROWS.map(|rows| format!("{rows:>6}"));
        let title = "speed-up for so many rows";
        writeln!(
            f,
            "{:width$}  {:>11}  {:>8}  {:>9}  {title}",
            "weight", "shape", "sparsity", "kB"
        )?;
        writeln!(
            f,
            "{:width$}  {:>11}  {:>8}  {:>9} {}",
            "",
            "",
            "",
            "",
            rows.join(" ")
        )?;
        for layer in &self.layers {
            let [inputs, outputs] = layer.shape;
            let sparsity = layer
                .sparsity
                .map(|share| format!("{:.2} %", share * 100.0));
            let bytes = match (layer.choice, layer.packed_bytes) {
                (Choice::Packed, Some(bytes)) => bytes,
                _ => layer.dense_bytes,
            };
            let speedups = layer.speedups.unwrap_or([f64::NAN; ROWS.len()]);
            let speedups = speedups.map(|speedup| match speedup.is_nan() {
                true => format!("{:>6}", "-"),
                false => format!("{speedup:6.2}"),
            });
            writeln!(
                f,
                "{:width$}  {:>11}  {:>8}  {:>9.1} {}  {}",
                layer.path,
                format!("{inputs}x{outputs}"),
                sparsity.unwrap_or_else(|| "-".to_string()),
                bytes as f64 / 1e3,
                speedups.join(" "),
                layer.choice,
            )?;
        }
        write!(
            f,
            "{} of {} layers packed",
            self.packed(),
            self.layers.len()
        )
    }
}
