//! A captured forward pass run on flex, to see what enters its layers.

use burn_ir::TensorId;
use burn_seven_compile::Tensors;
use burn_seven_compile::internals::{Captured, Stepper, Value};

use crate::ShrinkError;

/// Hands the values of the tensors `wanted` to `see`, for inputs on flex.
pub(crate) fn observe<I: Tensors>(
    captured: Captured,
    inputs: I,
    wanted: &[TensorId],
    mut see: impl FnMut(TensorId, Value),
) -> Result<(), ShrinkError> {
    let mut stepper = Stepper::new(captured, inputs)?;
    while stepper.next().is_some() {
        for (id, value) in stepper.step()? {
            if wanted.contains(&id) {
                see(id, value);
            }
        }
    }
    Ok(())
}
