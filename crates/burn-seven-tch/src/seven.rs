//! SEVEN's update in place.

use burn_seven_kernels::{SevenRule, SevenStep, SevenTensors};
use tch::{TchError, Tensor};

use crate::held::Held;
use crate::pieces;

/// Whether all tensors of the step are libtorch's, on one device, and of types handled here.
pub fn fits(step: &SevenStep) -> bool {
    let SevenTensors {
        moment_1,
        moment_2,
        score,
    } = &step.state;
    let floats = [moment_1, moment_2, score, &step.weight, &step.grad];
    let device = score.device();
    // Asked of handles that are gone before the state is written, so that it can be in place.
    floats
        .into_iter()
        .all(|tensor| tensor.device() == device && Held::floats(tensor.clone()).is_ok())
        && step
            .pruned
            .as_ref()
            .is_none_or(|pruned| pruned.device() == device && Held::flags(pruned.clone()).is_ok())
}

/// The statistics after the step, in place where no one else holds their memory.
///
/// An error leaves them half updated.
pub fn update(step: SevenStep) -> Result<SevenTensors, TchError> {
    let weight = Held::floats(step.weight)?;
    let grad = Held::floats(step.grad)?;
    let pruned = step.pruned.map(Held::flags).transpose()?;
    let mut moment_1 = Held::floats(step.state.moment_1)?;
    let mut moment_2 = Held::floats(step.state.moment_2)?;
    let mut score = Held::floats(step.state.score)?;
    let (m, v, s) = (moment_1.get_mut()?, moment_2.get_mut()?, score.get_mut()?);
    for piece in pieces::of(s) {
        let state = [piece.of(m)?, piece.of(v)?, piece.of(s)?];
        let (weight, grad) = (piece.of(weight.get())?, piece.of(grad.get())?);
        let pruned = pruned.as_ref().map(|pruned| piece.of(pruned.get()));
        update_piece(&step.rule, state, &weight, &grad, pruned.transpose()?)?;
    }
    Ok(SevenTensors {
        moment_1: moment_1.into_floats(),
        moment_2: moment_2.into_floats(),
        score: score.into_floats(),
    })
}

/// The formula with three temporaries, each of a piece.
fn update_piece(
    rule: &SevenRule,
    [mut m, mut v, mut s]: [Tensor; 3],
    weight: &Tensor,
    grad: &Tensor,
    pruned: Option<Tensor>,
) -> Result<(), TchError> {
    let a = grad.f_abs()?;
    let first = if rule.signed { grad } else { &a };
    let mut scratch = first.f_mul_scalar(1.0 - rule.alpha_1)?;
    // Whatever overflows rests at the largest number: infinity would make NaN with the next 0.
    let largest = f64::from(f32::MAX);
    let _ = m.f_mul_scalar_(rule.alpha_1)?;
    let _ = m.f_add_(&scratch)?;
    let _ = m.f_clamp_(-largest, largest)?;
    let _ = a.f_mul_out(&scratch, &a)?;
    let _ = scratch.f_mul_scalar_(1.0 - rule.alpha_2)?;
    let _ = v.f_mul_scalar_(rule.alpha_2)?;
    let _ = v.f_add_(&scratch)?;
    let _ = v.f_clamp_max_(largest)?;
    let mut root = v.f_mul_scalar(rule.correction_2.recip())?;
    let _ = root.f_sqrt_()?;
    let _ = root.f_add_scalar_(rule.epsilon)?;
    let _ = m.f_abs_out(&scratch)?;
    let _ = scratch.f_mul_scalar_(rule.correction_1.recip())?;
    let _ = scratch.f_clamp_max_(largest)?;
    let _ = scratch.f_div_(&root)?;
    let _ = scratch.f_clamp_max_(largest)?;
    let _ = scratch.f_mul_(&a)?;
    let _ = scratch.f_clamp_max_(largest)?;
    let _ = scratch.f_mul_(weight)?;
    let _ = scratch.f_abs_()?;
    let _ = s.f_add_(&scratch)?;
    if let Some(pruned) = pruned {
        for mut statistic in [m, v, s] {
            let _ = statistic.f_masked_fill_(&pruned, 0.0)?;
        }
    }
    Ok(())
}
