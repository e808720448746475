//! SEVEN's update in one pass.

use burn_cubecl::tensor::CubeTensor;
use burn_seven_kernels::SevenRule;
use cubecl::ir::{ElemType, UIntKind};
use cubecl::prelude::*;

use crate::grid::{Grid, flag_type, lanes};
use crate::tensors::{length, make_writable};

/// The tensors of one update, all of one length.
pub struct Seven {
    /// First moment.
    pub moment_1: CubeTensor,
    /// Second moment.
    pub moment_2: CubeTensor,
    /// The score.
    pub score: CubeTensor,
    /// The weights.
    pub weight: CubeTensor,
    /// The gradient.
    pub grad: CubeTensor,
    /// What is pruned for good: its statistics are set to 0.
    pub pruned: Option<CubeTensor>,
}

/// The rule's numbers as they are used.
#[derive(CubeType, CubeLaunch)]
struct Numbers {
    alpha_1: f32,
    rest_1: f32,
    alpha_2: f32,
    rest_2: f32,
    scale_1: f32,
    scale_2: f32,
    epsilon: f32,
}

/// Updates the statistics, in place where no one else holds them: first moment, second moment and
/// score.
pub fn seven(rule: &SevenRule, tensors: Seven) -> [CubeTensor; 3] {
    let Seven {
        mut moment_1,
        mut moment_2,
        mut score,
        weight,
        grad,
        pruned,
    } = tensors;
    if length(&score) == 0 {
        return [moment_1, moment_2, score];
    }
    for state in [&mut moment_1, &mut moment_2, &mut score] {
        make_writable(state);
    }
    let mut all = vec![&moment_1, &moment_2, &score, &weight, &grad];
    all.extend(&pruned);
    let lanes = lanes(&all);
    let lines = length(&score) / lanes;
    let grid = Grid::new(&score.client, lines, 1);
    let flag = match &pruned {
        Some(pruned) => flag_type(pruned),
        None => ElemType::UInt(UIntKind::U32),
    };
    update_entries::launch(
        &score.client,
        grid.cubes,
        grid.units,
        lanes,
        moment_1.clone().into_buffer_arg(),
        moment_2.clone().into_buffer_arg(),
        score.clone().into_buffer_arg(),
        weight.into_buffer_arg(),
        grad.into_buffer_arg(),
        pruned.map(|flags| flags.into_buffer_arg()).into(),
        lines,
        NumbersLaunch::new(
            rule.alpha_1 as f32,
            (1.0 - rule.alpha_1) as f32,
            rule.alpha_2 as f32,
            (1.0 - rule.alpha_2) as f32,
            (1.0 / rule.correction_1) as f32,
            (1.0 / rule.correction_2) as f32,
            rule.epsilon as f32,
        ),
        rule.signed,
        flag,
    );
    [moment_1, moment_2, score]
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn update_entries<B: Int, N: Size>(
    moment_1: &mut [Vector<f32, N>],
    moment_2: &mut [Vector<f32, N>],
    score: &mut [Vector<f32, N>],
    weight: &[Vector<f32, N>],
    grad: &[Vector<f32, N>],
    pruned: ComptimeOption<&[Vector<B, N>]>,
    lines: usize,
    numbers: &Numbers,
    #[comptime] signed: bool,
    #[define(B)] _flag: ElemType,
) {
    let step = CUBE_DIM as usize * CUBE_COUNT;
    let mut line = ABSOLUTE_POS;
    while line < lines {
        let signed_grad = grad[line];
        let a = signed_grad.abs();
        let first = if comptime!(signed) { signed_grad } else { a };
        // Whatever overflows rests at the largest number: infinity would make NaN with the next 0.
        let largest = Vector::<f32, N>::new(f32::MAX);
        let m = moment_1[line] * Vector::new(numbers.alpha_1) + first * Vector::new(numbers.rest_1);
        let m = m.min(largest).max(-largest);
        let v =
            moment_2[line] * Vector::new(numbers.alpha_2) + (a * a) * Vector::new(numbers.rest_2);
        let v = v.min(largest);
        let m_hat = (m * Vector::new(numbers.scale_1)).abs().min(largest);
        let root = (v * Vector::new(numbers.scale_2)).sqrt();
        let steadiness = (m_hat / (root + Vector::new(numbers.epsilon))).min(largest);
        let s = score[line] + ((steadiness * a).min(largest) * weight[line]).abs();
        let zero = Vector::<f32, N>::new(0.0f32);
        #[comptime]
        match &pruned {
            ComptimeOption::Some(pruned) => {
                let gone = Vector::<bool, N>::cast_from(pruned[line]);
                moment_1[line] = select_many(gone, zero, m);
                moment_2[line] = select_many(gone, zero, v);
                score[line] = select_many(gone, zero, s);
            }
            ComptimeOption::None => {
                moment_1[line] = m;
                moment_2[line] = v;
                score[line] = s;
            }
        }
        line += step;
    }
}
