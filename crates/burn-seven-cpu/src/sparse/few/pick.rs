//! From the order of outputs to that of lanes, and back.

use super::kernel::Sums;
use super::step::LANES;

/// Which of several rows is meant, whose groups of lanes alternate.
#[derive(Debug, Clone, Copy)]
pub struct Which {
    /// How many rows there are.
    pub rows: usize,
    /// Which one it is.
    pub row: usize,
}

impl Which {
    /// The only one.
    pub const ONLY: Self = Self { rows: 1, row: 0 };
}

/// The values of all lanes.
#[allow(unsafe_code)]
pub fn lanes(sums: &[Sums]) -> &[f32] {
    // SAFETY: each holds 64 values and nothing else.
    unsafe { std::slice::from_raw_parts(sums.as_ptr().cast(), sums.len() * LANES) }
}

/// Makes each value of `to` the one at its place; the places are those of one row.
///
/// One by one: instructions that gather take longer, and compilers know them.
///
/// # Panics
///
/// When a place is not inside.
pub fn pick(from: &[f32], places: &[u32], which: Which, to: &mut [f32]) {
    let Which { rows, row } = which;
    match rows {
        1 => {
            for (to, &place) in to.iter_mut().zip(places) {
                *to = from[place as usize];
            }
        }
        _ => {
            for (to, &place) in to.iter_mut().zip(places) {
                let (group, lane) = (place as usize / LANES, place as usize % LANES);
                *to = from[(group * rows + row) * LANES + lane];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_row_are_picked() {
        let mut sums = [Sums([0.0; LANES]); 6];
        for (index, sums) in sums.iter_mut().enumerate() {
            sums.0 = std::array::from_fn(|lane| (index * LANES + lane) as f32);
        }
        // Three groups of two rows.
        let places: Vec<u32> = (0..150).rev().collect();
        for row in 0..2 {
            let mut found = vec![-1.0; 150];
            let which = Which { rows: 2, row };
            pick(lanes(&sums), &places, which, &mut found);
            for (place, found) in places.iter().zip(found) {
                let (group, lane) = (*place as usize / LANES, *place as usize % LANES);
                assert_eq!(found, ((group * 2 + row) * LANES + lane) as f32);
            }
        }
        let mut found = [-1.0; 3];
        pick(&[5.0, 6.0], &[1, 0, 1], Which::ONLY, &mut found);
        assert_eq!(found, [6.0, 5.0, 6.0]);
    }
}
