//! A weight's non-zeros for products with few rows.

use super::step::{LANES, Step, TILE, Weights};

/// Steps that read the same window. More would often stay empty, with fewer the windows would be
/// loaded more often. Measured.
pub const STEPS: usize = 2;

/// Inputs of a window.
const WINDOW: usize = 2 * TILE;

/// A non-zero of an output: the input it reads, and the weight.
pub type Entry = (u32, f32);

/// Groups of 64 outputs, each with the windows of inputs it reads one after the other, rising, and
/// for each window two steps of a non-zero for each output.
///
/// An output that is ahead of the others reads from the window's second half what is not due yet,
/// and outputs of a group have about equally many non-zeros: so few lanes stay empty.
#[derive(Debug, Clone)]
pub struct Slots<W> {
    /// The outputs in the order of the lanes.
    order: Vec<u32>,
    /// For each output its lane, counted over all groups.
    places: Vec<u32>,
    /// Where the windows of each group end.
    ends: Vec<usize>,
    /// The tile that each window begins with.
    tiles: Vec<u32>,
    /// Those of each window.
    steps: Vec<[Step<W>; STEPS]>,
}

impl<W: Weights> Slots<W> {
    /// Of what each output reads, by rising inputs.
    pub fn new(outputs: &[Vec<Entry>]) -> Self {
        let mut order: Vec<u32> = (0..outputs.len() as u32).collect();
        // The last group may have lanes without outputs, and is the shortest one.
        order.sort_by_key(|&output| std::cmp::Reverse(outputs[output as usize].len()));
        let mut places = vec![0; outputs.len()];
        for (place, &output) in order.iter().enumerate() {
            places[output as usize] = place as u32;
        }
        let (mut ends, mut tiles, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        for group in order.chunks(LANES) {
            let mut rest: Vec<&[Entry]> = group
                .iter()
                .map(|&output| &*outputs[output as usize])
                .collect();
            // What is due first is where the window begins.
            while let Some(first) = rest.iter().filter_map(|list| list.first()).min_by_key(key) {
                let tile = first.0 as usize / TILE;
                tiles.push(tile as u32);
                steps.push(std::array::from_fn(|_| step(&mut rest, tile * TILE)));
            }
            ends.push(steps.len());
        }
        tiles.shrink_to_fit();
        steps.shrink_to_fit();
        Self {
            order,
            places,
            ends,
            tiles,
            steps,
        }
    }

    /// The outputs in the order of the lanes.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// For each output its lane, counted over all groups.
    pub fn places(&self) -> &[u32] {
        &self.places
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.ends.len()
    }

    /// The windows of a group: the tiles they begin with, and their steps.
    pub fn group(&self, group: usize) -> (&[u32], &[[Step<W>; STEPS]]) {
        let start = group.checked_sub(1).map_or(0, |before| self.ends[before]);
        let windows = start..self.ends[group];
        (&self.tiles[windows.clone()], &self.steps[windows])
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.order)
            + size_of_val(&*self.places)
            + size_of_val(&*self.ends)
            + size_of_val(&*self.tiles)
            + size_of_val(&*self.steps)
    }
}

/// Takes from each output its first non-zero, if it reads the window from `start` on.
fn step<W: Weights>(rest: &mut [&[Entry]], start: usize) -> Step<W> {
    let mut entries = [None; LANES];
    for (entry, list) in entries.iter_mut().zip(rest) {
        if let Some((&(input, weight), others)) = list.split_first() {
            let place = input as usize - start; // it is due in this window or later
            if place < WINDOW {
                *entry = Some((place as u8, weight));
                *list = others;
            }
        }
    }
    Step::new(&entries)
}

fn key(entry: &&Entry) -> u32 {
    entry.0
}

/// Whether a weight with so many non-zeros of each output is multiplied faster this way.
///
/// A step costs as much as 14 non-zeros taken one by one. A group has as many as its first output
/// has non-zeros; or two for each tile if it reads so many.
pub fn pays(counts: &[usize], inputs: usize) -> bool {
    const STEP: usize = 14;
    let mut counts = counts.to_vec();
    counts.sort_unstable_by(|one, other| other.cmp(one));
    let tiles = inputs.div_ceil(TILE);
    let (mut steps, mut nonzeros) = (0, 0);
    for group in counts.chunks(LANES) {
        let entries: usize = group.iter().sum();
        let longest = group.first().copied().unwrap_or(0);
        steps += longest.max(STEPS * tiles.min(entries));
        nonzeros += entries;
    }
    nonzeros > STEP * steps
}

#[cfg(test)]
mod tests {
    use super::super::step::Full;
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    #[test]
    fn nothing_takes_no_steps() {
        let slots = Slots::<Full>::new(&vec![Vec::new(); 100]);
        assert_eq!(slots.groups(), 2);
        assert!(slots.group(0).0.is_empty() && slots.group(1).1.is_empty());
        assert_eq!(Slots::<Full>::new(&[]).groups(), 0);
    }

    #[test]
    fn many_outputs_alike_pay_and_single_ones_do_not() {
        assert!(pays(&[100; 64], 1000));
        assert!(!pays(&[100; 10], 1000));
        assert!(!pays(&[1; 64], 1000));
        assert!(!pays(&[], 1000));
        let mut uneven = vec![0; 500];
        uneven[7] = 1000;
        assert!(!pays(&uneven, 1000));
    }

    proptest! {
        #[test]
        fn entries_come_back_in_rising_order(
            inputs in 1u32..1000, outputs in 1usize..150, keep in 0.0f64..1.0, seed in any::<u64>(),
        ) {
            let mut rng = StdRng::seed_from_u64(seed);
            let lists: Vec<Vec<Entry>> = (0..outputs)
                .map(|output| {
                    let kept = (0..inputs).filter(|_| rng.random_bool(keep));
                    kept.map(|input| (input, (input + 1) as f32 + output as f32)).collect()
                })
                .collect();
            let slots = Slots::<Full>::new(&lists);
            let mut seen = vec![Vec::new(); outputs];
            for group in 0..slots.groups() {
                let (tiles, steps) = slots.group(group);
                for (&tile, steps) in tiles.iter().zip(steps) {
                    prop_assert!(tile < inputs.div_ceil(TILE as u32));
                    for step in steps {
                        step.visit(|lane, place, weight| {
                            let output = slots.order()[group * LANES + lane] as usize;
                            seen[output].push((tile * TILE as u32 + place as u32, weight));
                        });
                    }
                }
            }
            prop_assert_eq!(seen, lists);
            for (place, &output) in slots.order().iter().enumerate() {
                prop_assert_eq!(slots.places()[output as usize] as usize, place);
            }
        }
    }
}
