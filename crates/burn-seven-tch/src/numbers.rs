//! Reading counters.

use tch::{Device, Kind, TchError, Tensor};

/// How many entries are true, still on the device.
pub fn count(flags: &Tensor) -> Result<Tensor, TchError> {
    flags.f_sum(Kind::Int64)
}

/// A counter at 0.
pub fn zero(device: Device) -> Result<Tensor, TchError> {
    Tensor::f_zeros([0i64; 0], (Kind::Int64, device))
}

/// Single numbers as one tensor; those of a model that is spread over devices meet on the first
/// one's. None of none.
pub fn together(numbers: &[Tensor]) -> Result<Option<Tensor>, TchError> {
    let Some(device) = numbers.first().map(Tensor::device) else {
        return Ok(None);
    };
    let numbers = numbers.iter().map(|number| number.f_to(device));
    let numbers: Vec<Tensor> = numbers.collect::<Result<_, _>>()?;
    Tensor::f_stack(&numbers, 0).map(Some)
}

/// The counters' values, read at once.
pub fn read(counters: &[Tensor]) -> Result<Vec<u64>, TchError> {
    match together(counters)? {
        Some(together) => Ok(unsigned(together.try_into()?)),
        None => Ok(Vec::new()),
    }
}

/// Counts, which are never below 0.
pub fn unsigned(counts: Vec<i64>) -> Vec<u64> {
    counts.into_iter().map(i64::cast_unsigned).collect()
}
