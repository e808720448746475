//! Cholesky factors of second moments, with what is added to their diagonal.
//!
//! faer does the linear algebra: it is the fastest pure Rust crate for dense Cholesky factors, works in
//! float64, and is in this workspace already. Burn's own burn-linalg works on tensors of a backend, in
//! float32 on most of them.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::cholesky::llt::factor::LltRegularization;
use faer::{Auto, Mat, Par, Spec};

use crate::AfterError;
use crate::moments::Moments;

/// More than this share of the mean diagonal is not added.
const MOST: f64 = 10.0;

/// The factor of `H + damping · mean(diag H) · I`, with ten times as much added until there is one, and
/// how much was.
pub(super) fn damped<T>(
    moments: &Moments,
    damping: f64,
    path: &str,
    factor: impl Fn(f64) -> Option<T>,
) -> Result<(T, f64), AfterError> {
    let scale = moments.scale();
    // Inputs that are zero in all samples.
    let scale = if scale > 0.0 { scale } else { 1.0 };
    let mut share = damping;
    loop {
        if let Some(found) = factor(share * scale) {
            return Ok((found, share));
        }
        let next = if share > 0.0 { 10.0 * share } else { 1e-10 };
        if next > MOST {
            return Err(AfterError::NotPositive {
                path: path.to_string(),
                damping: share,
            });
        }
        share = next;
    }
}

/// The upper triangular `U` with `H⁻¹ = Uᵀ U`, its rows one after the other, and the damping.
pub(super) fn of_inverse(
    moments: &Moments,
    damping: f64,
    path: &str,
) -> Result<(Vec<Vec<f64>>, f64), AfterError> {
    let width = moments.products.nrows();
    let factor = |added: f64| {
        let factor = Factor::of(Mat::from_fn(width, width, |row, column| {
            moments.products[(row, column)] + if row == column { added } else { 0.0 }
        }))?;
        let mut inverse = Mat::identity(width, width);
        factor.solve(&mut inverse);
        let lower = Factor::of(inverse)?.lower;
        let row = |row: usize| {
            let columns = 0..width;
            let entry = |column: usize| {
                if column < row {
                    0.0
                } else {
                    lower[(column, row)]
                }
            };
            columns.map(entry).collect()
        };
        Some((0..width).map(row).collect())
    };
    damped(moments, damping, path, factor)
}

/// A Cholesky factor, made and used by one thread: with more, the last bits depend on how many.
pub(super) struct Factor {
    /// Its upper triangle means nothing.
    lower: Mat<f64>,
}

impl Factor {
    /// That of a symmetric matrix, of which the lower triangle is read; none unless it is positive
    /// definite.
    pub fn of(mut matrix: Mat<f64>) -> Option<Self> {
        let size = matrix.nrows();
        let params: Spec<llt::factor::LltParams, f64> = Spec::new(Auto::<f64>::auto());
        let scratch = llt::factor::cholesky_in_place_scratch::<f64>(size, Par::Seq, params);
        let made = llt::factor::cholesky_in_place(
            matrix.as_mut(),
            LltRegularization::default(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            params,
        );
        let finite = (0..size).all(|place| matrix[(place, place)].is_finite());
        (made.is_ok() && finite).then_some(Self { lower: matrix })
    }

    /// Puts the solutions in the place of right-hand sides.
    pub fn solve(&self, right: &mut Mat<f64>) {
        let (size, count) = (self.lower.nrows(), right.ncols());
        let scratch = llt::solve::solve_in_place_scratch::<f64>(size, count, Par::Seq);
        llt::solve::solve_in_place(
            self.lower.as_ref(),
            right.as_mut(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
        );
    }
}
