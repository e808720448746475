//! Entries whose key is the threshold's own.

use burn_seven_kernels::Ties;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use crate::counters::{Counters, tally};
use crate::entry::{Kind, flags_at, key_of};
use crate::grid::{Grid, flag_type};
use crate::scored::Scored;
use crate::tensors::length;

/// Bits of an index that are counted at a time.
const BITS: u32 = 11;

/// Steps of work that make it worth for a unit to clear its share of the bins.
const EACH: usize = 8;

/// How many entries of each tensor are ties, of those kept now and of those that may come back;
/// a kind is counted where it is asked for, and 0 elsewhere.
pub fn count(scored: &[&Scored], key: u32, kept: bool, pruned: bool) -> Vec<[u64; 2]> {
    let scores: Vec<_> = scored.iter().map(|one| &one.scores).collect();
    let counted = tally(&scores, 2, |index, counters, at| {
        let one = scored[index];
        let all = 0..length(&one.scores) as u32;
        if kept {
            launch(one, key, Kind::Kept, all.clone(), 0, 1, counters, at);
        }
        if pruned && one.regrows {
            launch(one, key, Kind::Dropped, all, 0, 1, counters, at + 1);
        }
    });
    let pair = |counts: Vec<u32>| [u64::from(counts[0]), u64::from(counts[1])];
    counted.into_iter().map(pair).collect()
}

/// The index below which the ties of one tensor lie that stay; takes them off.
pub fn limit(one: &Scored, key: u32, kind: Kind, count: u64, ties: &mut Ties) -> u32 {
    let Ties::First(left) = *ties else {
        return u32::MAX;
    };
    if left == 0 {
        return 0;
    }
    *ties = ties.after(count);
    match left >= count {
        true => u32::MAX,
        false => find(one, key, kind, left as u32),
    }
}

/// The index after that of tie number `places`, counted from 1.
fn find(one: &Scored, key: u32, kind: Kind, places: u32) -> u32 {
    let mut range = 0..length(&one.scores) as u32;
    let mut left = places;
    loop {
        // So that the range's last index is in the last bin.
        let shift = (u32::BITS - (range.len() as u32 - 1).leading_zeros()).saturating_sub(BITS);
        let bins = 1 << BITS;
        let counters = Counters::new(&one.scores, bins);
        launch(one, key, kind, range.clone(), shift, bins, &counters, 0);
        let mut bin = 0;
        for count in counters.read() {
            if count >= left {
                break;
            }
            left -= count;
            bin += 1;
        }
        let start = range.start + (bin << shift);
        if shift == 0 {
            return start + 1;
        }
        range = start..range.end.min(start + (1 << shift));
    }
}

/// Adds the ties of one kind in a range of indices to `bins` counters, by the index in the range
/// without its lowest `shift` bits.
#[allow(clippy::too_many_arguments)]
fn launch(
    one: &Scored,
    key: u32,
    kind: Kind,
    range: std::ops::Range<u32>,
    shift: u32,
    bins: usize,
    counters: &Counters,
    at: usize,
) {
    if range.is_empty() {
        return;
    }
    let client = &one.scores.client;
    let grid = Grid::new(client, range.len(), EACH);
    let reserved = one.reserved.clone();
    count_ties::launch(
        client,
        grid.cubes,
        grid.units,
        one.scores.clone().into_buffer_arg(),
        one.pruned.clone().into_buffer_arg(),
        reserved.map(|flags| flags.into_buffer_arg()).into(),
        counters.arg(),
        key,
        range.start as usize,
        range.end as usize,
        shift,
        at,
        bins,
        kind,
        flag_type(&one.pruned),
    );
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn count_ties<B: Int>(
    scores: &[u32],
    pruned: &[B],
    reserved: ComptimeOption<&[B]>,
    counters: &[Atomic<u32>],
    key: u32,
    start: usize,
    end: usize,
    shift: u32,
    at: usize,
    #[comptime] bins: usize,
    #[comptime] kind: Kind,
    #[define(B)] _flag: ElemType,
) {
    let counts = Shared::<[Atomic<u32>]>::new_slice(bins);
    let mut cell = UNIT_POS as usize;
    while cell < bins {
        counts[cell].store(0u32);
        cell += CUBE_DIM as usize;
    }
    sync_cube();

    let step = CUBE_DIM as usize * CUBE_COUNT;
    let mut index = start + ABSOLUTE_POS;
    while index < end {
        if key_of(scores[index]) == key {
            let was_dropped = pruned[index] != B::from_int(0);
            let is_reserved = flags_at(&reserved, index, B::from_int(0));
            let right_kind = was_dropped == comptime!(kind == Kind::Dropped);
            if right_kind && is_reserved == B::from_int(0) {
                let cell = if comptime!(bins == 1) {
                    0usize.runtime()
                } else {
                    (((index - start) as u32) >> shift) as usize
                };
                counts[cell].fetch_add(1u32);
            }
        }
        index += step;
    }
    sync_cube();

    let mut cell = UNIT_POS as usize;
    while cell < bins {
        let count = counts[cell].load();
        if count > 0u32 {
            counters[at + cell].fetch_add(count);
        }
        cell += CUBE_DIM as usize;
    }
}
