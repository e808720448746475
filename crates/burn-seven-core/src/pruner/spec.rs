//! What the weights of a pruner's model are like, and what can be wrong with a model's.

use burn::tensor::{DType, Device};

use super::MaskMode;
use crate::Error;
use crate::mask::PruningMask;
use crate::weights::Found;

/// What a selected weight is like; it may not change.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub path: String,
    pub shape: Vec<usize>,
    pub dtype: DType,
    pub device: Device,
}

impl Spec {
    pub(super) fn of(found: &Found) -> Self {
        Self {
            path: found.path.clone(),
            shape: found.shape.clone(),
            dtype: found.dtype,
            device: found.device.clone(),
        }
    }

    pub(super) fn check(&self, found: &Found) -> Result<(), Error> {
        if found.shape != self.shape {
            return Err(Error::ShapeMismatch {
                what: "value",
                path: self.path.clone(),
                expected: self.shape.clone(),
                found: found.shape.clone(),
            });
        }
        if found.dtype != self.dtype {
            return Err(Error::DTypeMismatch {
                path: self.path.clone(),
                expected: format!("{:?}", self.dtype),
                found: format!("{:?}", found.dtype),
            });
        }
        if found.device != self.device {
            return Err(Error::DeviceMismatch {
                path: self.path.clone(),
                expected: format!("{:?}", self.device),
                found: format!("{:?}", found.device),
            });
        }
        Ok(())
    }
}

/// Checks that masks can be put on a model: it has none, and with masks in the graph nothing else
/// is in their place.
pub(super) fn check_attachable(all: &[Found], mode: MaskMode) -> Result<(), Error> {
    for found in all {
        match found.reparameterization.as_deref() {
            Some(PruningMask::PATH) => {
                return Err(Error::MaskAttachedTwice {
                    path: found.path.clone(),
                });
            }
            // Anywhere in the model: taking the masks out materializes every reparameterization.
            Some(kind) if mode == MaskMode::InGraph => {
                return Err(Error::Reparameterized {
                    path: found.path.clone(),
                    kind: kind.to_string(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks that no two selected weights are one parameter, which would get two masks.
pub(super) fn check_untied(selected: &[Found]) -> Result<(), Error> {
    for (index, found) in selected.iter().enumerate() {
        if let Some(other) = selected[..index].iter().find(|other| other.id == found.id) {
            return Err(Error::Tied {
                path: other.path.clone(),
                other: found.path.clone(),
            });
        }
    }
    Ok(())
}
