//! Finding NaN and infinite values.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use crate::counters::tally;
use crate::entry::is_not_finite;
use crate::grid::{Grid, lanes};
use crate::tensors::length;

/// Whether every value of these tensors is finite.
pub fn all_finite(tensors: &[CubeTensor]) -> bool {
    let tensors: Vec<_> = tensors.iter().filter(|tensor| length(tensor) > 0).collect();
    let found = tally(&tensors, 1, |index, counters, at| {
        let tensor = tensors[index];
        let lanes = lanes(&[tensor]);
        let lines = length(tensor) / lanes;
        let grid = Grid::new(&tensor.client, lines, 4);
        find_not_finite::launch(
            &tensor.client,
            grid.cubes,
            grid.units,
            lanes,
            tensor.clone().into_buffer_arg(),
            counters.arg(),
            lines,
            at,
        );
    });
    found.iter().flatten().all(|&count| count == 0)
}

#[cube(launch)]
fn find_not_finite<N: Size>(
    values: &[Vector<u32, N>],
    counters: &[Atomic<u32>],
    lines: usize,
    at: usize,
) {
    let step = CUBE_DIM as usize * CUBE_COUNT;
    let mut found = 0u32;
    let mut line = ABSOLUTE_POS;
    while line < lines {
        let bits = values[line];
        #[unroll]
        for lane in 0..N::value() {
            if is_not_finite(bits.extract(lane)) {
                found += 1u32;
            }
        }
        line += step;
    }
    if found > 0u32 {
        counters[at].fetch_add(found);
    }
}
