//! Writing masks in one pass.

use burn_seven_kernels::Threshold;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use crate::counters::{Counters, tally};
use crate::entry::{Kind, flags_at, key_of};
use crate::grid::{Grid, flag_type, lanes};
use crate::scored::Scored;
use crate::tensors::{length, make_writable};
use crate::ties;

/// Steps of work for a unit: the cubes together add to one counter.
const EACH: usize = 4;

/// Where one tensor is cut.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// The key of the lowest score that may stay.
    key: u32,
    /// The index below which entries at `key` stay, of those kept now.
    kept_below: u32,
    /// The index below which entries at `key` come back, of those pruned now.
    back_below: u32,
}

/// Takes tensors in order and finds where each is cut.
pub struct Lines {
    key: u32,
    /// How many ties each tensor has that were counted: kept now, and pruned now.
    counted: std::vec::IntoIter<[u64; 2]>,
}

impl Lines {
    /// For these tensors, with one read where only some of the ties stay.
    pub fn new(scored: &[&Scored], threshold: Threshold) -> Self {
        let (kept, pruned) = (threshold.kept.is_partial(), threshold.pruned.is_partial());
        let counted = match kept || pruned {
            true => ties::count(scored, threshold.key, kept, pruned),
            false => vec![[0, 0]; scored.len()],
        };
        Self {
            key: threshold.key,
            counted: counted.into_iter(),
        }
    }

    /// Where the next tensor is cut; takes the ties that stay off the threshold.
    pub fn next(&mut self, one: &Scored, threshold: &mut Threshold) -> Line {
        let [kept, back] = self.counted.next().unwrap_or_default();
        Line {
            key: self.key,
            kept_below: ties::limit(one, self.key, Kind::Kept, kept, &mut threshold.kept),
            back_below: ties::limit(one, self.key, Kind::Dropped, back, &mut threshold.pruned),
        }
    }
}

/// Writes new masks, each in its `pruned`, in place where no one else holds it; gives how many
/// entries each keeps.
pub fn write(lines: Vec<(&mut Scored, Line)>) -> Vec<u64> {
    let mut prepared = Vec::new();
    for (one, line) in lines {
        make_writable(&mut one.pruned);
        prepared.push((&*one, line));
    }
    let scores: Vec<_> = prepared.iter().map(|(one, _)| &one.scores).collect();
    let kept = tally(&scores, 1, |index, counters, at| {
        let (one, line) = prepared[index];
        launch(one, line, counters, at);
    });
    kept.iter().map(|counts| u64::from(counts[0])).collect()
}

fn launch(one: &Scored, line: Line, counters: &Counters, at: usize) {
    if length(&one.scores) == 0 {
        return;
    }
    let client = &one.scores.client;
    let lanes = lanes(&one.tensors());
    let lines = length(&one.scores) / lanes;
    let grid = Grid::new(client, lines, EACH);
    let reserved = one.reserved.clone();
    write_entries::launch(
        client,
        grid.cubes,
        grid.units,
        lanes,
        one.scores.clone().into_buffer_arg(),
        one.pruned.clone().into_buffer_arg(),
        reserved.map(|flags| flags.into_buffer_arg()).into(),
        counters.arg(),
        lines,
        line.key,
        line.kept_below,
        line.back_below,
        at,
        one.regrows,
        flag_type(&one.pruned),
    );
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn write_entries<B: Int, N: Size>(
    scores: &[Vector<u32, N>],
    pruned: &mut [Vector<B, N>],
    reserved: ComptimeOption<&[Vector<B, N>]>,
    counters: &[Atomic<u32>],
    lines: usize,
    cut_key: u32,
    kept_below: u32,
    back_below: u32,
    at: usize,
    #[comptime] regrows: bool,
    #[define(B)] _flag: ElemType,
) {
    let total = Shared::<[Atomic<u32>]>::new_slice(1usize);
    if UNIT_POS == 0 {
        total[0].store(0u32);
    }
    sync_cube();

    let step = CUBE_DIM as usize * CUBE_COUNT;
    let mut kept = 0u32;
    let mut line = ABSOLUTE_POS;
    while line < lines {
        let line_scores = scores[line];
        let mut line_dropped = pruned[line];
        let line_reserved = flags_at(&reserved, line, Vector::<B, N>::from_int(0));
        #[unroll]
        for lane in 0..N::value() {
            let was_dropped = line_dropped.extract(lane) != B::from_int(0);
            let is_reserved = line_reserved.extract(lane) != B::from_int(0);
            let key = key_of(line_scores.extract(lane));
            let index = (line * N::value() + lane) as u32;
            let below = select(was_dropped, back_below, kept_below);
            let high = key > cut_key || (key == cut_key && index < below);
            let may_stay = if comptime!(regrows) {
                true.runtime()
            } else {
                !was_dropped
            };
            let stays = is_reserved || (may_stay && high);
            kept += select(stays, 1u32, 0u32);
            line_dropped.insert(lane, select(stays, B::from_int(0), B::from_int(1)));
        }
        pruned[line] = line_dropped;
        line += step;
    }
    if kept > 0u32 {
        total[0].fetch_add(kept);
    }
    sync_cube();
    if UNIT_POS == 0 {
        counters[at].fetch_add(total[0].load());
    }
}
