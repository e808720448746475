//! What loading did.

use std::fmt;

use burn::tensor::DType;

use crate::SparseError;

/// What became of a file's tensors and a module's parameters.
///
/// Everything has its place unless [`with_partial`](super::LoadConfig::with_partial) allows other
/// files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Paths of the parameters that have the file's values.
    pub loaded: Vec<String>,
    /// Parameters that are as they were, because the file's tensor does not fit.
    pub misfits: Vec<Misfit>,
    /// Paths of the parameters that are as they were, because the file lacks them.
    pub missing: Vec<String>,
    /// Names of the file's tensors that the module has no place for.
    pub unused: Vec<String>,
}

/// A parameter for which the file has a tensor that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// It has another shape.
    Shape {
        /// The parameter's path in the module.
        path: String,
        /// The module's shape.
        expected: Vec<usize>,
        /// The file's, in the module's orientation.
        found: Vec<usize>,
    },
    /// It is of another kind: floats, whole numbers or truth values.
    Type {
        /// The parameter's path in the module.
        path: String,
        /// The module's type.
        expected: DType,
        /// The file's.
        found: DType,
    },
}

impl LoadReport {
    /// Whether each parameter has a tensor of the file, and each tensor a parameter.
    pub fn is_complete(&self) -> bool {
        self.misfits.is_empty() && self.missing.is_empty() && self.unused.is_empty()
    }
}

impl Misfit {
    /// What does not fit; an error of anything else is given back.
    pub(super) fn of(error: SparseError) -> Result<Self, SparseError> {
        match error {
            SparseError::ShapeMismatch {
                path,
                expected,
                found,
            } => Ok(Self::Shape {
                path,
                expected,
                found,
            }),
            SparseError::TypeMismatch {
                path,
                expected,
                found,
            } => Ok(Self::Type {
                path,
                expected,
                found,
            }),
            error => Err(error),
        }
    }
}

impl From<Misfit> for SparseError {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Shape {
                path,
                expected,
                found,
            } => Self::ShapeMismatch {
                path,
                expected,
                found,
            },
            Misfit::Type {
                path,
                expected,
                found,
            } => Self::TypeMismatch {
                path,
                expected,
                found,
            },
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SparseError::from(self.clone()).fmt(f)
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loaded = self.loaded.len();
        let all = loaded + self.misfits.len() + self.missing.len();
        write!(f, "{loaded} of {all} parameters loaded")?;
        for misfit in &self.misfits {
            write!(f, "\n{misfit}")?;
        }
        if !self.missing.is_empty() {
            write!(f, "\nnot in the file: {}", self.missing.join(", "))?;
        }
        if !self.unused.is_empty() {
            write!(f, "\nnot in the module: {}", self.unused.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_well() {
        let mut report = LoadReport {
            loaded: vec!["a".to_string(), "b".to_string()],
            ..LoadReport::default()
        };
        assert!(report.is_complete());
        assert_eq!(report.to_string(), "2 of 2 parameters loaded");
        report.misfits.push(Misfit::Shape {
            path: "head.weight".to_string(),
            expected: vec![16, 3],
            found: vec![16, 10],
        });
        assert!(!report.is_complete());
        report.missing.push("c".to_string());
        report.unused = vec!["d".to_string(), "e".to_string()];
        let expected = "2 of 4 parameters loaded\n\
                        head.weight has shape [16, 10] in the file, but [16, 3] in the module\n\
                        not in the file: c\n\
                        not in the module: d, e";
        assert_eq!(report.to_string(), expected);
    }
}
