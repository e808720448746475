//! Vectors of float32, for kernels that are written once for all instructions.
//!
//! A kernel is an `#[inline(always)]` function generic over [`Simd`]; [`by_level`] compiles it for
//! each set of instructions and picks one at run time. A value of a type that is `Simd` is the proof
//! that the processor has the instructions: it is made in these functions alone.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use portable::Portable;

/// What can be done with vectors. All operations are lane by lane unless they say otherwise.
pub trait Simd: Copy {
    /// A vector of float32.
    type V: Copy;

    /// Numbers of a vector.
    const LANES: usize;

    /// How many vectors a product takes side by side, at most 4: four rows of them stay in
    /// registers.
    const WIDE: usize;

    /// One number in all lanes.
    fn splat(self, value: f32) -> Self::V;

    /// The vector at an address.
    ///
    /// # Safety
    ///
    /// All its numbers should be there.
    #[allow(unsafe_code)]
    unsafe fn read(self, from: *const f32) -> Self::V;

    /// Writes a vector to an address.
    ///
    /// # Safety
    ///
    /// There should be room.
    #[allow(unsafe_code)]
    unsafe fn write(self, vector: Self::V, to: *mut f32);

    /// Asks for the memory at an address, which may be any, without waiting for it.
    fn fetch(self, from: *const f32) {
        let _ = from;
    }

    /// The first numbers of a slice.
    ///
    /// # Panics
    ///
    /// When there are fewer than lanes.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn load(self, values: &[f32]) -> Self::V {
        assert!(values.len() >= Self::LANES);
        // SAFETY: there are as many, as just asserted.
        unsafe { self.read(values.as_ptr()) }
    }

    /// Writes a vector to the start of a slice.
    ///
    /// # Panics
    ///
    /// When it does not fit.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn store(self, vector: Self::V, values: &mut [f32]) {
        assert!(values.len() >= Self::LANES);
        // SAFETY: there is room, as just asserted.
        unsafe { self.write(vector, values.as_mut_ptr()) }
    }

    /// Numbers of a slice that is no longer than a vector, and `rest` behind them.
    ///
    /// # Panics
    ///
    /// When it is longer.
    fn load_part(self, values: &[f32], rest: f32) -> Self::V;

    /// Fills a slice that is no longer than a vector with its first numbers.
    ///
    /// # Panics
    ///
    /// When it is longer.
    fn store_part(self, vector: Self::V, values: &mut [f32]);

    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b + c`, rounded once where the processor does it in one instruction.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a * b - c`, as [`mul_add`](Self::mul_add).
    fn mul_sub(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// `a` where it is greater, otherwise `b`: that is also where one of them is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a` where it is less, otherwise `b`: that is also where one of them is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;

    /// Without the sign.
    fn abs(self, a: Self::V) -> Self::V;

    /// `magnitude`, which is not negative, with the sign of `sign`.
    fn with_sign(self, magnitude: Self::V, sign: Self::V) -> Self::V;

    /// `yes` where `a` is less than 0, otherwise `no`.
    fn where_negative(self, a: Self::V, yes: Self::V, no: Self::V) -> Self::V;

    /// The number whose sign and exponent are the lowest nine bits of `a`, and whose fraction is 0.
    fn to_exponent(self, a: Self::V) -> Self::V;

    /// The sum of all lanes.
    fn sum(self, a: Self::V) -> f32;

    /// The greatest lane, where none is NaN.
    fn greatest(self, a: Self::V) -> f32;

    /// Reads four numbers of each of as many rows as there are lanes, `stride` apart: the columns.
    ///
    /// # Safety
    ///
    /// All these numbers should be there.
    #[allow(unsafe_code)]
    unsafe fn transpose(self, from: *const f32, stride: usize) -> [Self::V; 4];
}

/// Compiles `$body`, an `#[inline(always)]` function whose first argument is a [`Simd`], for all
/// instructions, as a function of a level.
///
/// That function panics where the processor does not have the level's instructions.
macro_rules! by_level {
    ($body:ident => fn $name:ident($($arg:ident: $type:ty),* $(,)?)) => {
        #[allow(unsafe_code)]
        fn $name(level: $crate::sparse::Level, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $type),*) {
                // SAFETY: this is compiled for these instructions.
                $body(unsafe { $crate::fused::simd::Avx2::new() }, $($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn avx512($($arg: $type),*) {
                // SAFETY: this is compiled for these instructions.
                $body(unsafe { $crate::fused::simd::Avx512::new() }, $($arg),*)
            }
            assert!(level <= $crate::sparse::Level::best(), "instructions of {level:?}");
            match level {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the processor has the instructions, as just asserted.
                $crate::sparse::Level::Avx512 => unsafe { avx512($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                $crate::sparse::Level::Avx2 => unsafe { avx2($($arg),*) },
                _ => $body($crate::fused::simd::Portable, $($arg),*),
            }
        }
    };
}

pub(super) use by_level;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Level;

    #[inline(always)]
    #[allow(unsafe_code)]
    fn check<S: Simd>(s: S) {
        let lanes = S::LANES;
        let values: Vec<f32> = (0..lanes * 7).map(|index| index as f32 - 5.0).collect();
        let lane_by_lane = |vector: S::V, expected: &dyn Fn(f32, f32) -> f32| {
            let mut found = vec![0.0; lanes];
            s.store(vector, &mut found);
            for lane in 0..lanes {
                let (a, b) = (values[lane], values[lane + 1]);
                assert_eq!(
                    found[lane].to_bits(),
                    expected(a, b).to_bits(),
                    "lane {lane}"
                );
            }
        };
        let (a, b) = (s.load(&values), s.load(&values[1..]));
        let three = s.splat(3.0);
        lane_by_lane(s.add(a, b), &|a, b| a + b);
        lane_by_lane(s.sub(a, three), &|a, _| a - 3.0);
        lane_by_lane(s.mul(a, b), &|a, b| a * b);
        lane_by_lane(s.div(a, three), &|a, _| a / 3.0);
        lane_by_lane(s.mul_add(a, b, three), &|a, b| a * b + 3.0);
        lane_by_lane(s.mul_sub(a, b, three), &|a, b| a * b - 3.0);
        lane_by_lane(s.max(a, three), &|a, _| a.max(3.0));
        lane_by_lane(s.min(a, three), &|a, _| a.min(3.0));
        lane_by_lane(s.abs(a), &|a, _| a.abs());
        lane_by_lane(s.with_sign(three, a), &|a, _| 3.0f32.copysign(a));
        lane_by_lane(s.where_negative(a, three, b), &|a, b| {
            if a < 0.0 { 3.0 } else { b }
        });
        let bits = s.splat(f32::from_bits(0x4b40_0000 + 129));
        lane_by_lane(s.to_exponent(bits), &|_, _| 4.0);
        let nan = s.splat(f32::NAN);
        lane_by_lane(s.max(nan, three), &|_, _| 3.0);
        lane_by_lane(s.min(nan, three), &|_, _| 3.0);
        assert!(s.sum(s.max(three, nan)).is_nan());
        assert!(s.sum(s.min(three, nan)).is_nan());
        let total: f32 = values[..lanes].iter().sum();
        assert_eq!(s.sum(a), total);
        assert_eq!(s.greatest(a), values[lanes - 1]);
        assert_eq!(s.greatest(s.sub(s.splat(0.0), a)), 5.0);
        for count in 0..=lanes {
            let part = s.load_part(&values[..count], -1.0);
            lane_by_lane(part, &|a, _| {
                if a - values[0] < count as f32 {
                    a
                } else {
                    -1.0
                }
            });
            let mut found = vec![7.0; count];
            s.store_part(a, &mut found);
            assert_eq!(found, values[..count]);
        }
        // SAFETY: the last of the rows, which are 6 apart, ends before 7 times as many values.
        let columns = unsafe { s.transpose(values.as_ptr(), 6) };
        for (column, vector) in columns.into_iter().enumerate() {
            let mut found = vec![0.0; lanes];
            s.store(vector, &mut found);
            for (row, found) in found.into_iter().enumerate() {
                assert_eq!(found, values[6 * row + column]);
            }
        }
    }

    by_level!(check => fn check_at());

    #[test]
    fn each_operation_is_that_of_float32() {
        for level in Level::available() {
            check_at(level);
        }
    }
}
