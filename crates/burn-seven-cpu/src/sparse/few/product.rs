//! All outputs of few rows.

use std::cell::Cell;

use burn_seven_kernels::Activation;
use rayon::prelude::*;

use super::super::Level;
use super::super::line;
use super::super::panel::Input;
use super::super::run;
use super::super::shared::Rows;
use super::super::split::Part;
use super::Few;
use super::kernel::{self, Load, Sums};
use super::pick::{self, Which};
use super::planes::{self, Tile};
use super::slots::Slots;
use super::step::LANES;

/// Memory that a thread keeps for its next product.
#[derive(Debug, Default)]
struct Room {
    tiles: Vec<Tile>,
    sums: Vec<Sums>,
}

/// Bytes that a thread keeps at most.
const KEPT: usize = 1 << 20;

thread_local! {
    static ROOM: Cell<Room> = Cell::default();
}

/// A product.
#[derive(Debug)]
pub struct Product<'a> {
    /// The processor has it.
    pub level: Level,
    /// The rows.
    pub input: Input<'a>,
    /// Of each output.
    pub bias: Option<&'a [f32]>,
    /// What is applied to the outputs.
    pub activation: Activation,
    /// Where they go.
    pub rows: &'a Rows<'a>,
    /// Whether it is worth asking all cores.
    pub large: bool,
}

impl Product<'_> {
    /// Computes and writes all outputs of a part of the rows.
    ///
    /// # Panics
    ///
    /// When the input, the bias or the output do not fit the weight.
    ///
    /// # Safety
    ///
    /// The processor should have what [`available`](super::available) asks for, and no other thread
    /// write these rows.
    #[allow(unsafe_code)]
    pub unsafe fn run(&self, few: &Few, part: Part) {
        // SAFETY: as the caller says.
        unsafe {
            match few {
                Few::Full(slots) => self.slots(slots, part),
                Few::Half(slots) => self.slots(slots, part),
            }
        }
    }

    /// # Safety
    ///
    /// As [`run`](Self::run).
    #[allow(unsafe_code)]
    unsafe fn slots<W: Load>(&self, slots: &Slots<W>, part: Part) {
        let Room {
            mut tiles,
            mut sums,
        } = ROOM.take();
        let Input { values, inputs } = self.input;
        tiles.clear();
        for row in part.first..part.first + part.rows {
            // SAFETY: as the caller says.
            unsafe { planes::push(&values[row * inputs..][..inputs], &mut tiles) };
        }
        let count = slots.groups() * part.rows;
        if sums.len() < count {
            sums.resize(count, Sums([0.0; LANES]));
        }
        let all = &mut sums[..count];
        let one = |(group, sums): (usize, &mut [Sums])| {
            // SAFETY: as the caller says.
            unsafe { self.group(slots, group, &tiles, sums) };
        };
        match self.large {
            true => all.par_chunks_mut(part.rows).enumerate().for_each(one),
            false => all.chunks_mut(part.rows).enumerate().for_each(one),
        }
        for row in 0..part.rows {
            // SAFETY: as the caller says.
            unsafe { self.finish(slots.places(), part, row, all) };
        }
        if size_of_val(&*tiles) + size_of_val(&*sums) <= KEPT {
            ROOM.set(Room { tiles, sums });
        }
    }

    /// The sums of a group's outputs, those of each row.
    ///
    /// # Safety
    ///
    /// As [`run`](Self::run).
    #[allow(unsafe_code)]
    unsafe fn group<W: Load>(
        &self,
        slots: &Slots<W>,
        group: usize,
        tiles: &[Tile],
        sums: &mut [Sums],
    ) {
        let mut start = Sums([0.0; LANES]);
        if let Some(bias) = self.bias {
            let order = &slots.order()[group * LANES..];
            let order = &order[..order.len().min(LANES)];
            pick::pick(bias, order, Which::ONLY, &mut start.0[..order.len()]);
        }
        sums.fill(start);
        let (firsts, windows) = slots.group(group);
        let mut rows = tiles.chunks_exact(tiles.len() / sums.len());
        let mut next = || rows.next().unwrap_or_default();
        let (pairs, last) = sums.as_chunks_mut();
        for pair in pairs {
            let rows = [next(), next()];
            // SAFETY: as the caller says.
            unsafe { kernel::group(firsts, windows, rows, pair) };
        }
        if let [last] = last {
            let last = std::array::from_mut(last);
            // SAFETY: as the caller says.
            unsafe { kernel::group(firsts, windows, [next()], last) };
        }
    }

    /// Writes the outputs of one of the part's rows.
    ///
    /// # Safety
    ///
    /// As [`run`](Self::run).
    #[allow(unsafe_code)]
    unsafe fn finish(&self, places: &[u32], part: Part, row: usize, sums: &[Sums]) {
        line::with_outputs(places.len(), |outputs| {
            let which = Which {
                rows: part.rows,
                row,
            };
            pick::pick(pick::lanes(sums), places, which, outputs);
            // SAFETY: as the caller says.
            unsafe {
                let place = self.rows.place(part.first + row, 0, 1, outputs.len());
                run::finish(self.level, self.activation, outputs, 1, &place);
            }
        });
    }
}
