//! What can go wrong with a sparse file, each case with the name and both values.

use burn::tensor::DType;

/// A file or a model that does not fit. Nothing was changed or written when one is returned, but
/// for [`NotRestored`](Self::NotRestored).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SparseError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Of two files the second could not be replaced, and then the first could not be put back.
    #[error("{failed}; {path} is the new one already, and could not be put back: {reason}")]
    NotRestored {
        /// The file that is new.
        path: String,
        /// Why the other one could not be replaced.
        failed: String,
        /// Why this one could not be put back.
        reason: String,
    },
    /// The file ends before it should, or goes on after it.
    #[error("the file has {found} bytes, but {expected} were expected")]
    Length {
        /// How many bytes its header asks for.
        expected: u128,
        /// How many there are.
        found: usize,
    },
    /// The header is not that of a safetensors file.
    #[error("not a safetensors file: {reason}")]
    Header {
        /// What is wrong with it.
        reason: String,
    },
    /// Two tensors have one name.
    #[error("the file has two tensors with the name {name:?}")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// One of the four parts of a sparse weight is not there.
    #[error("the sparse weight {weight:?} is incomplete: the file has no {missing:?}")]
    Incomplete {
        /// The weight.
        weight: String,
        /// The name of the part.
        missing: String,
    },
    /// A tensor contradicts itself or another one.
    #[error("the {what} of {name:?} is {found}, but should be {expected}")]
    Malformed {
        /// The tensor.
        name: String,
        /// What of it is wrong.
        what: &'static str,
        /// What the rest of the file asks for.
        expected: String,
        /// What there is.
        found: String,
    },
    /// The header does not say whose names the file has, or something unknown.
    #[error("the file's format is {found:?}, but should be {expected}")]
    Format {
        /// What is known.
        expected: &'static str,
        /// The value of `format` in the header's metadata.
        found: String,
    },
    /// The module has parameters that the file does not.
    #[error("the file lacks {} of the module's parameters: {}", paths.len(), paths.join(", "))]
    Missing {
        /// Their paths in the module.
        paths: Vec<String>,
    },
    /// The file has tensors that the module does not.
    #[error("the module has no place for {} of the file's tensors: {}", names.len(), names.join(", "))]
    Unused {
        /// Their names in the file.
        names: Vec<String>,
    },
    /// Of a file that may be of another model, nothing fits.
    #[error(
        "nothing of the file fits the module: it has {}, the module has {}",
        some(found),
        some(expected)
    )]
    NothingLoaded {
        /// The paths of the module's parameters.
        expected: Vec<String>,
        /// The names of the file's tensors.
        found: Vec<String>,
    },
    /// A tensor has another shape than the module's parameter.
    #[error("{path} has shape {found:?} in the file, but {expected:?} in the module")]
    ShapeMismatch {
        /// The parameter's path in the module.
        path: String,
        /// The module's shape.
        expected: Vec<usize>,
        /// The file's, in the module's orientation.
        found: Vec<usize>,
    },
    /// A tensor is of another kind than the module's parameter.
    #[error("{path} is of type {found:?} in the file, but {expected:?} in the module")]
    TypeMismatch {
        /// The parameter's path in the module.
        path: String,
        /// The module's type.
        expected: DType,
        /// The file's.
        found: DType,
    },
    /// A parameter's type has no place in a file of this kind.
    #[error("{path} is of type {found}, which these files cannot hold")]
    UnsupportedType {
        /// The parameter's path in the module, or the tensor's name in the file.
        path: String,
        /// Its type.
        found: String,
    },
    /// A parameter is quantized.
    #[error(
        "{path} is quantized, and sparse files hold floats: save the model before it is quantized, or \
         with Module::save_file"
    )]
    Quantized {
        /// The parameter's path.
        path: String,
    },
    /// A value is too large for the type that it is to be converted to.
    #[error("{path} holds a value that is finite in {found:?}, but too large for {expected:?}")]
    TooLarge {
        /// The parameter's path.
        path: String,
        /// The type that was asked for.
        expected: DType,
        /// The type that it is of.
        found: DType,
    },
    /// A parameter is more than its stored values.
    #[error(
        "{path} carries the reparameterization {kind:?}: call `Pruner::finish` or \
         `Module::materialize` first"
    )]
    Reparameterized {
        /// The parameter's path in the module.
        path: String,
        /// The reparameterization's name, such as `pruning_mask` or `lora`.
        kind: String,
    },
    /// A parameter's own name is one that sparse weights are stored under.
    #[error("{path} ends in {suffix:?}, which is the name of a part of a sparse weight")]
    ReservedName {
        /// The parameter's name in the file.
        path: String,
        /// Its last part.
        suffix: String,
    },
    /// The `config.json` that is there already is not one that can be added to.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor could not be read from its device, or converted.
    #[error("{path} could not be read: {reason}")]
    Tensor {
        /// The parameter's path.
        path: String,
        /// What Burn said.
        reason: String,
    },
    /// A model without a layer that `pack` can give a packed form.
    #[error(
        "the model has no SparseLinear, which is what pack packs; {}: SparseLinear::from makes one \
         of a Linear, and burn_seven::sparse::compile takes any model",
        weights(found)
    )]
    NothingToPack {
        /// The modules that hold its weights instead, by type, with the number of weights of rank 2
        /// and more. Those of adapters and masks are not among them.
        found: Vec<(String, usize)>,
    },
    /// The masks of a file do not make masks.
    #[error(transparent)]
    Masks(#[from] burn_seven_core::Error),
}

/// The first names of a list, and how many more there are.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names {
        [] => "nothing".to_string(),
        names if names.len() <= SHOWN => names.join(", "),
        names => {
            let (first, rest) = names.split_at(SHOWN);
            format!("{} and {} more", first.join(", "), rest.len())
        }
    }
}

/// Where a model's weights are.
fn weights(found: &[(String, usize)]) -> String {
    if found.is_empty() {
        return "it has no weight at all".to_string();
    }
    let modules = found
        .iter()
        .map(|(name, count)| format!("{name} ({count})"));
    let modules: Vec<String> = modules.collect();
    format!("its weights are in {}", modules.join(", "))
}

impl SparseError {
    /// The `what` of `name` is `found`, not `expected`.
    pub(crate) fn malformed(
        name: impl Into<String>,
        what: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Malformed {
            name: name.into(),
            what,
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn tensor(path: &str) -> impl FnOnce(burn_store::burn_pack::Error) -> Self {
        let path = path.to_string();
        move |error| Self::Tensor {
            path,
            reason: error.to_string(),
        }
    }
}
