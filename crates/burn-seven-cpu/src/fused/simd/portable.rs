//! What the compiler makes of arrays.

use super::Simd;

/// Vectors of four numbers.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

const LANES: usize = 4;

/// Whether the processor surely multiplies and adds in one instruction; others would do it in a
/// call.
const FUSED: bool = cfg!(target_arch = "aarch64");

/// An array of what `$each` is for each lane.
macro_rules! lanes {
    (|$lane:ident| $each:expr) => {{
        let mut vector = [0.0f32; LANES];
        for ($lane, value) in vector.iter_mut().enumerate() {
            *value = $each;
        }
        vector
    }};
}

impl Simd for Portable {
    type V = [f32; LANES];
    const LANES: usize = LANES;
    const WIDE: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        [value; LANES]
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn read(self, from: *const f32) -> Self::V {
        // SAFETY: as the caller says.
        unsafe { from.cast::<Self::V>().read_unaligned() }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn write(self, vector: Self::V, to: *mut f32) {
        // SAFETY: as the caller says.
        unsafe { to.cast::<Self::V>().write_unaligned(vector) }
    }

    #[inline(always)]
    fn load_part(self, values: &[f32], rest: f32) -> Self::V {
        let mut vector = [rest; LANES];
        vector[..values.len()].copy_from_slice(values);
        vector
    }

    #[inline(always)]
    fn store_part(self, vector: Self::V, values: &mut [f32]) {
        values.copy_from_slice(&vector[..values.len()]);
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(|lane| a[lane] / b[lane])
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        match FUSED {
            true => lanes!(|lane| a[lane].mul_add(b[lane], c[lane])),
            false => lanes!(|lane| a[lane] * b[lane] + c[lane]),
        }
    }

    #[inline(always)]
    fn mul_sub(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        match FUSED {
            true => lanes!(|lane| a[lane].mul_add(b[lane], -c[lane])),
            false => lanes!(|lane| a[lane] * b[lane] - c[lane]),
        }
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(|lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(|lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
    }

    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        lanes!(|lane| a[lane].abs())
    }

    #[inline(always)]
    fn with_sign(self, magnitude: Self::V, sign: Self::V) -> Self::V {
        lanes!(|lane| magnitude[lane].copysign(sign[lane]))
    }

    #[inline(always)]
    fn where_negative(self, a: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        lanes!(|lane| if a[lane] < 0.0 { yes[lane] } else { no[lane] })
    }

    #[inline(always)]
    fn to_exponent(self, a: Self::V) -> Self::V {
        lanes!(|lane| f32::from_bits(a[lane].to_bits() << 23))
    }

    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }

    #[inline(always)]
    fn greatest(self, a: Self::V) -> f32 {
        a[0].max(a[2]).max(a[1].max(a[3]))
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn transpose(self, from: *const f32, stride: usize) -> [Self::V; 4] {
        // SAFETY: as the caller says.
        let rows = [0, 1, 2, 3].map(|row| unsafe { self.read(from.add(row * stride)) });
        [0, 1, 2, 3].map(|column| lanes!(|lane| rows[lane][column]))
    }
}
