//! Counting scores by a digit of their keys.

use burn_seven_kernels::{Digit, Histogram};
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use crate::counters::{Counters, by_device};
use crate::entry::{Kind, flags_at, is_nan, key_of};
use crate::grid::{Grid, flag_type, lanes};
use crate::scored::Scored;
use crate::tensors::length;

/// Steps of work that make it worth for a unit to clear its share of the bins.
const EACH: usize = 8;

/// Whether the bins of a digit fit into the memory that a cube's units share.
pub fn fits(digit: Digit, client: &Client) -> bool {
    let bytes = digit.bins() * size_of::<u32>();
    bytes <= client.properties().hardware.max_shared_memory_size
}

/// Adds the unreserved candidates of these tensors to `counts`, and gives for each how many of its
/// entries lie above the digit's prefix.
pub fn count(candidates: &[Scored], digit: Digit, counts: &mut Histogram) -> Vec<u64> {
    let bins = digit.bins();
    let mut above = vec![0; candidates.len()];
    let scores: Vec<_> = candidates.iter().map(|one| &one.scores).collect();
    let mut launched = Vec::new();
    for group in by_device(&scores) {
        for part in below_overflow(group, candidates) {
            // The kept entries' bins, those of pruned ones, NaN, and above for each tensor.
            let counters = Counters::new(scores[part[0]], 2 * bins + 1 + part.len());
            for (slot, &index) in part.iter().enumerate() {
                launch(&candidates[index], digit, &counters, 2 * bins + 1 + slot);
            }
            launched.push((part, counters));
        }
    }
    for (part, counters) in launched {
        let counted = counters.read();
        add(&mut counts.kept, &counted[..bins]);
        add(&mut counts.pruned, &counted[bins..2 * bins]);
        counts.nan += u64::from(counted[2 * bins]);
        for (index, &count) in part.into_iter().zip(&counted[2 * bins + 1..]) {
            above[index] = u64::from(count);
        }
    }
    above
}

fn add(to: &mut [u64], from: &[u32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += u64::from(from);
    }
}

/// Cuts tensors into parts whose entries together can be counted in 32 bits.
fn below_overflow(group: Vec<usize>, candidates: &[Scored]) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut total = 0;
    for index in group {
        let entries = length(&candidates[index].scores) as u64;
        match parts.last_mut() {
            Some(part) if total + entries <= u64::from(u32::MAX) => {
                part.push(index);
                total += entries;
            }
            _ => {
                parts.push(vec![index]);
                total = entries;
            }
        }
    }
    parts
}

fn launch(one: &Scored, digit: Digit, counters: &Counters, above_at: usize) {
    if length(&one.scores) == 0 {
        return;
    }
    let client = &one.scores.client;
    let shared = client.properties().hardware.max_shared_memory_size;
    let kinds: &[Kind] = match one.regrows {
        false => &[Kind::Kept],
        true if 2 * digit.bins() * size_of::<u32>() <= shared => &[Kind::Both],
        true => &[Kind::Kept, Kind::Dropped],
    };
    let lanes = lanes(&one.tensors());
    let lines = length(&one.scores) / lanes;
    for &kind in kinds {
        let grid = Grid::new(client, lines, EACH);
        let reserved = one.reserved.clone();
        count_entries::launch(
            client,
            grid.cubes,
            grid.units,
            lanes,
            one.scores.clone().into_buffer_arg(),
            one.pruned.clone().into_buffer_arg(),
            reserved.map(|flags| flags.into_buffer_arg()).into(),
            counters.arg(),
            lines,
            digit.shift,
            digit.prefix.unwrap_or(0),
            above_at,
            digit.bits,
            digit.prefix.is_some(),
            kind,
            flag_type(&one.pruned),
        );
    }
}

#[cube(launch)]
#[allow(clippy::too_many_arguments)]
fn count_entries<B: Int, N: Size>(
    scores: &[Vector<u32, N>],
    pruned: &[Vector<B, N>],
    reserved: ComptimeOption<&[Vector<B, N>]>,
    counters: &[Atomic<u32>],
    lines: usize,
    shift: u32,
    prefix: u32,
    above_at: usize,
    #[comptime] bits: u32,
    #[comptime] prefixed: bool,
    #[comptime] kind: Kind,
    #[define(B)] _flag: ElemType,
) {
    let bins = comptime!(1usize << bits);
    let cells = comptime!(if kind == Kind::Both { 2 * bins } else { bins });
    let counts = Shared::<[Atomic<u32>]>::new_slice(cells);
    let mut cell = UNIT_POS as usize;
    while cell < cells {
        counts[cell].store(0u32);
        cell += CUBE_DIM as usize;
    }
    sync_cube();

    let step = CUBE_DIM as usize * CUBE_COUNT;
    let mut nan = 0u32;
    let mut above = 0u32;
    let mut line = ABSOLUTE_POS;
    while line < lines {
        let line_scores = scores[line];
        let line_dropped = pruned[line];
        let line_reserved = flags_at(&reserved, line, Vector::<B, N>::from_int(0));
        #[unroll]
        for lane in 0..N::value() {
            let was_dropped = line_dropped.extract(lane) != B::from_int(0);
            let free = line_reserved.extract(lane) == B::from_int(0);
            let open = if comptime!(kind == Kind::Both) {
                free
            } else {
                free && was_dropped == comptime!(kind == Kind::Dropped)
            };
            if open {
                let score = line_scores.extract(lane);
                if is_nan(score) {
                    nan += 1u32;
                } else {
                    let key = key_of(score);
                    let mut cell = ((key >> shift) & comptime!((1u32 << bits) - 1)) as usize;
                    if comptime!(kind == Kind::Both) {
                        cell += select(was_dropped, bins, 0usize);
                    }
                    if comptime!(prefixed) {
                        let high = key >> (shift + bits);
                        if high == prefix {
                            counts[cell].fetch_add(1u32);
                        } else if high > prefix {
                            above += 1u32;
                        }
                    } else {
                        counts[cell].fetch_add(1u32);
                    }
                }
            }
        }
        line += step;
    }
    sync_cube();

    let first = comptime!(if kind == Kind::Dropped { bins } else { 0 });
    let mut cell = UNIT_POS as usize;
    while cell < cells {
        let count = counts[cell].load();
        if count > 0u32 {
            counters[first + cell].fetch_add(count);
        }
        cell += CUBE_DIM as usize;
    }
    if nan > 0u32 {
        counters[comptime!(2 * bins)].fetch_add(nan);
    }
    if comptime!(prefixed) {
        // Summed over the cube in a cell that is free now: there is one such sum for all cubes.
        sync_cube();
        if UNIT_POS == 0 {
            counts[0].store(0u32);
        }
        sync_cube();
        if above > 0u32 {
            counts[0].fetch_add(above);
        }
        sync_cube();
        if UNIT_POS == 0 {
            counters[above_at].fetch_add(counts[0].load());
        }
    }
}
