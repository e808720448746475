//! Whose names and orientation a file has.

use std::ops::RangeInclusive;

use burn_store::burn_pack::Tensor as PackTensor;
use burn_store::{BurnToPyTorchAdapter, ModuleAdapter, ModuleContext, PyTorchToBurnAdapter};

/// Whose names and orientation a file has.
///
/// | | PyTorch | Burn |
/// | --- | --- | --- |
/// | a linear layer's weight | `[out, in]` | `[in, out]` |
/// | a normalization's parameters | `weight`, `bias` | `gamma`, `beta` |
/// | enum modules | the variant's name is left out | it is a part of the path |
/// | `config.json` beside the file | yes | no: it describes PyTorch's classes |
/// | `format` in the header | `pt` | `burn` |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Names {
    /// PyTorch's, for interchange.
    #[default]
    PyTorch,
    /// Burn's own.
    Burn,
}

/// The last parts of the names that a sparse weight is stored under.
pub(super) const PARTS: [&str; 4] = ["shape", "compressed", "bitmask", "row_offsets"];

/// The ranks of weights that have a sparse form: matrices, and convolutions over one to three axes.
pub(super) const RANKS: RangeInclusive<usize> = 2..=5;

impl Names {
    /// What the header calls them.
    pub(super) fn format(self) -> &'static str {
        match self {
            Self::PyTorch => "pt",
            Self::Burn => "burn",
        }
    }

    /// Whether a path goes through a container of this type without naming it.
    pub(super) fn skips(self, container: &str) -> bool {
        self == Self::PyTorch && container.starts_with("Enum:")
    }

    /// A module's tensor as it is in the file.
    pub(super) fn to_file(self, tensor: PackTensor, containers: &[String]) -> PackTensor {
        match self {
            Self::PyTorch => BurnToPyTorchAdapter.adapt(tensor, ModuleContext::new(containers)),
            Self::Burn => tensor,
        }
    }

    /// A file's tensor, under its name in the module, as it is in the module.
    pub(super) fn to_module(self, tensor: PackTensor, containers: &[String]) -> PackTensor {
        match self {
            Self::PyTorch => PyTorchToBurnAdapter.adapt(tensor, ModuleContext::new(containers)),
            Self::Burn => tensor,
        }
    }

    /// The other name that the parameter at `path` may have in the file.
    pub(super) fn alternative(self, path: &str, containers: &[String]) -> Option<String> {
        if self == Self::Burn {
            return None;
        }
        let module = ModuleContext::new(containers).module_type()?;
        let (before, name) = path.rsplit_once('.').unwrap_or(("", path));
        let name = PyTorchToBurnAdapter.get_alternative_param_name(name, module)?;
        Some(match before {
            "" => name,
            before => format!("{before}.{name}"),
        })
    }
}

/// The module type that Burn's adapters know a container by: a sparse linear layer is a linear one.
pub(super) fn container(name: &str) -> &str {
    match name {
        "Struct:SparseLinear" => "Struct:Linear",
        other => other,
    }
}

/// The class of PyTorch that a weight in these containers belongs to, if it is one whose weights
/// are compressed.
pub(super) fn class(containers: &[String]) -> Option<&'static str> {
    match ModuleContext::new(containers).module_type()? {
        "Struct:Linear" => Some("Linear"),
        "Struct:Embedding" => Some("Embedding"),
        "Struct:Conv1d" => Some("Conv1d"),
        "Struct:Conv2d" => Some("Conv2d"),
        "Struct:Conv3d" => Some("Conv3d"),
        "Struct:ConvTranspose1d" => Some("ConvTranspose1d"),
        "Struct:ConvTranspose2d" => Some("ConvTranspose2d"),
        "Struct:ConvTranspose3d" => Some("ConvTranspose3d"),
        "Struct:DeformConv2d" => Some("DeformConv2d"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_have_other_names_in_pytorch() {
        let norm = ["Struct:Model".to_string(), "Struct:LayerNorm".to_string()];
        let alternative = Names::PyTorch.alternative("a.norm.gamma", &norm);
        assert_eq!(alternative.as_deref(), Some("a.norm.weight"));
        assert_eq!(
            Names::PyTorch.alternative("beta", &norm).as_deref(),
            Some("bias")
        );
        assert_eq!(Names::Burn.alternative("a.norm.gamma", &norm), None);
    }

    #[test]
    fn classes_are_those_of_the_innermost_module() {
        let containers = ["Struct:Model", "Vec", "Struct:Linear", "Array"].map(str::to_string);
        assert_eq!(class(&containers), Some("Linear"));
        assert_eq!(class(&containers[..2]), None);
        let convolution = ["Struct:Stem", "Struct:ConvTranspose3d"].map(str::to_string);
        assert_eq!(class(&convolution), Some("ConvTranspose3d"));
        assert_eq!(container("Struct:SparseLinear"), "Struct:Linear");
        assert_eq!(container("Struct:Conv2d"), "Struct:Conv2d");
    }
}
