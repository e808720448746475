//! Writing masks.

use burn::tensor::{Bool, Tensor};
use burn_seven_kernels::{Rewrite, Threshold};
use tch::TchError;

use crate::held::Held;
use crate::keys::{key, keys};
use crate::ties::staying;
use crate::{numbers, pieces};

/// Whether the tensors are libtorch's, on one device, and of types handled here.
pub fn fits(rewrite: &Rewrite<'_>) -> bool {
    let device = rewrite.scores.device();
    let flags = [Some(&rewrite.pruned), rewrite.reserved];
    // Asked of handles that are gone before the mask is written, so that it can be in place.
    Held::floats(rewrite.scores.clone()).is_ok()
        && flags
            .into_iter()
            .flatten()
            .all(|flags| flags.device() == device && Held::flags(flags.clone()).is_ok())
}

/// Writes one new mask, over the old one if no one else holds it; takes the ties that stay off the
/// cut, and gives how many entries are kept, still on the device.
///
/// An error leaves the mask half written.
pub fn write(
    rewrite: Rewrite<'_>,
    threshold: &mut Threshold,
) -> Result<(Tensor<1, Bool>, tch::Tensor), TchError> {
    let scores = Held::floats(rewrite.scores.clone())?;
    let reserved = rewrite.reserved.cloned().map(Held::flags).transpose()?;
    let mut mask = Held::flags(rewrite.pruned)?;
    let mut kept = numbers::zero(scores.get().device())?;
    let pruned = mask.get_mut()?;
    for piece in pieces::of(scores.get()) {
        let keys = keys(&piece.of(scores.get())?)?;
        let pruned = piece.of(pruned)?;
        let reserved = reserved.as_ref().map(|reserved| piece.of(reserved.get()));
        let reserved = reserved.transpose()?;
        let open = |these: &tch::Tensor| match &reserved {
            Some(reserved) => these.f_logical_and(&reserved.f_logical_not()?),
            None => Ok(these.shallow_clone()),
        };
        let open_kept = open(&pruned.f_logical_not()?)?;
        let mut stays = staying(&keys, key(threshold.key), &open_kept, &mut threshold.kept)?;
        if rewrite.regrows {
            let back = staying(
                &keys,
                key(threshold.key),
                &open(&pruned)?,
                &mut threshold.pruned,
            )?;
            let _ = stays.f_logical_or_(&back)?;
        }
        if let Some(reserved) = &reserved {
            let _ = stays.f_logical_or_(reserved)?;
        }
        let _ = kept.f_add_(&numbers::count(&stays)?)?;
        let _ = stays.f_logical_not_out(&pruned)?;
    }
    Ok((mask.into_flags(), kept))
}
