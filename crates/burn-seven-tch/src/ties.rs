//! Which of the entries at the threshold's own key stay.

use burn_seven_kernels::Ties;
use tch::{Kind, TchError, Tensor};

use crate::numbers;

/// Of the `open` entries, those with a key above `key`, and at `key` as many as the ties say, which
/// are then taken off.
pub fn staying(
    keys: &Tensor,
    key: i64,
    open: &Tensor,
    ties: &mut Ties,
) -> Result<Tensor, TchError> {
    let mut stays = match ties {
        Ties::All => keys.f_ge(key)?,
        Ties::First(_) => keys.f_gt(key)?,
    };
    let _ = stays.f_logical_and_(open)?;
    if let Ties::First(left @ 1..) = *ties {
        let mut at_key = keys.f_eq(key)?;
        let _ = at_key.f_logical_and_(open)?;
        let count = u64::try_from(i64::try_from(numbers::count(&at_key)?)?).unwrap_or(0);
        *ties = ties.after(count);
        if count > left {
            // Ranks from 1, by index.
            let ranks = at_key.f_cumsum(0, Kind::Int64)?;
            let first = ranks.f_le(i64::try_from(left).unwrap_or(i64::MAX))?;
            let _ = at_key.f_logical_and_(&first)?;
        }
        let _ = stays.f_logical_or_(&at_key)?;
    }
    Ok(stays)
}
