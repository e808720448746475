//! What saving did.

use std::fmt;

/// What is in a file that was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaveReport {
    /// The size of the file.
    pub bytes: usize,
    /// What its tensors would take with their zeros, in the same types.
    pub dense_bytes: usize,
    /// The weights in their sparse form.
    pub sparse: Vec<SparseWeight>,
    /// Everything else.
    pub dense: Vec<DenseTensor>,
}

/// A weight in its sparse form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseWeight {
    /// Its name, as if it were dense.
    pub name: String,
    /// Its shape in the file.
    pub shape: Vec<usize>,
    /// How many of its entries are not 0.
    pub kept: usize,
    /// What its four parts take.
    pub bytes: usize,
}

impl SparseWeight {
    /// The share of zeros, from 0 to 1.
    pub fn sparsity(&self) -> f64 {
        match self.shape.iter().product::<usize>() {
            0 => 0.0,
            entries => 1.0 - self.kept as f64 / entries as f64,
        }
    }
}

/// A tensor that is in the file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenseTensor {
    /// Its name in the file.
    pub name: String,
    /// Its shape in the file.
    pub shape: Vec<usize>,
    /// What it takes.
    pub bytes: usize,
}

impl SaveReport {
    /// The file's size as a share of [`dense_bytes`](Self::dense_bytes).
    pub fn share(&self) -> f64 {
        self.bytes as f64 / self.dense_bytes.max(1) as f64
    }
}

/// `64x32x3x3`.
fn joined(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    sizes.join("x")
}

impl fmt::Display for SaveReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.sparse.iter().map(|weight| weight.name.len());
        let width = names.max().unwrap_or_default().max("weight".len());
        let shapes = self.sparse.iter().map(|weight| joined(&weight.shape));
        let shapes: Vec<String> = shapes.collect();
        let wide = shapes
            .iter()
            .map(String::len)
            .max()
            .unwrap_or_default()
            .max(11);
        if !self.sparse.is_empty() {
            writeln!(
                f,
                "{:width$}  {:>wide$}  {:>8}  {:>10}",
                "weight", "shape", "sparsity", "bytes"
            )?;
        }
        for (weight, shape) in self.sparse.iter().zip(shapes) {
            let sparsity = 100.0 * weight.sparsity();
            let (name, bytes) = (&weight.name, weight.bytes);
            writeln!(
                f,
                "{name:width$}  {shape:>wide$}  {sparsity:>6.2} %  {bytes:>10}"
            )?;
        }
        let dense: usize = self.dense.iter().map(|tensor| tensor.bytes).sum();
        writeln!(f, "dense: {} tensors, {dense} bytes", self.dense.len())?;
        let (bytes, of, share) = (self.bytes, self.dense_bytes, 100.0 * self.share());
        write!(f, "{bytes} bytes, {share:.1} % of {of} with zeros")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_well() {
        let report = SaveReport {
            bytes: 150,
            dense_bytes: 200,
            sparse: vec![SparseWeight {
                name: "fc.weight".to_string(),
                shape: vec![3, 10],
                kept: 6,
                bytes: 70,
            }],
            dense: vec![DenseTensor {
                name: "fc.bias".to_string(),
                shape: vec![20],
                bytes: 80,
            }],
        };
        let expected = "weight           shape  sparsity       bytes\n\
                        fc.weight         3x10   80.00 %          70\n\
                        dense: 1 tensors, 80 bytes\n\
                        150 bytes, 75.0 % of 200 with zeros";
        assert_eq!(report.to_string(), expected);
    }
}
