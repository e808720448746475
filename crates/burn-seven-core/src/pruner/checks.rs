//! What can be wrong with a model before it is pruned.

use super::MaskMode;
use crate::weights::{Found, PRUNING_MASK};
use crate::{Error, Selection};

/// Checks that masks can be put on a model: it has none, and with masks in the graph nothing else
/// is in their place.
pub(super) fn check_attachable(all: &[Found], mode: MaskMode) -> Result<(), Error> {
    for found in all {
        let path = || found.path().to_string();
        match found.reparameterization.as_deref() {
            Some(PRUNING_MASK) => return Err(Error::MaskAttachedTwice { path: path() }),
            // Anywhere in the model: taking the masks out materializes every reparameterization.
            Some(kind) if mode == MaskMode::InGraph => {
                return Err(Error::Reparameterized {
                    path: path(),
                    kind: kind.to_string(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Checks that no selected weight is frozen in a model that is trained.
pub(super) fn check_trained(
    all: &[Found],
    selection: &Selection,
    scorer: &'static str,
) -> Result<(), Error> {
    if !all.iter().any(|found| found.trained) {
        return Ok(()); // a model outside autodiff, which is not trained yet
    }
    let frozen = |found: &&Found| !found.trained && selection.selects(found);
    match all.iter().find(frozen) {
        None => Ok(()),
        Some(found) => Err(Error::Frozen {
            path: found.path().to_string(),
            scorer,
        }),
    }
}

/// Pairs of selected weights that are one parameter, by their places among the selected, each with
/// the first of its kind.
///
/// # Errors
///
/// [`Error::Tied`] unless they are `allowed`, and where only some of them are selected.
pub(super) fn tied(
    all: &[Found],
    selection: &Selection,
    allowed: bool,
) -> Result<Vec<(usize, usize)>, Error> {
    let mut pairs = Vec::new();
    let selected = |found: &&Found| selection.selects(found);
    let place = |index: usize| all[..index].iter().filter(selected).count();
    for (index, found) in all.iter().enumerate() {
        let first = all[..index].iter().position(|other| other.id == found.id);
        let Some(first) = first else { continue };
        let other = &all[first];
        match (selection.selects(other), selection.selects(found)) {
            (false, false) => {}
            (true, true) if allowed => pairs.push((place(first), place(index))),
            (one, two) => {
                return Err(Error::Tied {
                    path: other.path().to_string(),
                    other: found.path().to_string(),
                    left_out: one != two,
                });
            }
        }
    }
    Ok(pairs)
}
