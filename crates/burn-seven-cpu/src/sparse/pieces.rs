//! A weight's non-zeros, in the order that the kernels read them.

/// How many outputs lie interleaved.
pub const QUAD: usize = 4;

/// Inputs are stored times this, so that with panels of 8 to 64 rows their place in bytes is the
/// number times 1, 2, 4 or 8: what addresses may hold without further instructions.
pub const SCALE: usize = 32;

/// A non-zero of an output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The input it reads, counted from the piece's first.
    pub input: u16,
    /// The weight.
    pub value: f32,
}

/// Quads of outputs that have equally many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Whether the four outputs of each quad read the same inputs, as those of a block do, and all
    /// outputs of a weight without zeros.
    pub alike: bool,
    /// Entries of each output.
    pub count: u32,
    /// How many quads there are.
    pub quads: u32,
}

/// What some outputs read of some inputs, of a weight that is cut along both.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// Quads of outputs, by how many entries they have.
    pub runs: &'a [Run],
    /// The outputs of each quad, counted from the piece's first; the one behind the last stands for
    /// none.
    pub places: &'a [u32],
    /// The inputs that a quad's entries read, one of each of its outputs at a time, counted from
    /// the piece's first, times [`SCALE`]. Outputs with fewer entries than others of their quad are filled up with
    /// zeros that read the input behind the last.
    ///
    /// Four take one load: loads are what the kernels spend their time with.
    pub inputs: &'a [[u16; QUAD]],
    /// The weights beside them.
    pub weights: &'a [[f32; QUAD]],
}

impl Piece<'_> {
    /// Hands each non-zero to `visit`, given how many inputs there are: output, input, weight.
    pub fn visit(&self, inputs: usize, mut visit: impl FnMut(usize, usize, f32)) {
        let mut places = self.places.chunks_exact(QUAD);
        let mut steps = self.inputs.iter().zip(self.weights);
        for run in self.runs {
            for _ in 0..run.quads {
                let quad = places.next().unwrap_or_default();
                for (read, weights) in steps.by_ref().take(run.count as usize) {
                    for ((&place, &input), &weight) in quad.iter().zip(read).zip(weights) {
                        let input = usize::from(input) / SCALE;
                        if input < inputs {
                            visit(place as usize, input, weight);
                        }
                    }
                }
            }
        }
    }
}

/// Where pieces end.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    runs: usize,
    places: usize,
    steps: usize,
}

/// Pieces, one behind the other: in this order the processor reads ahead.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    ends: Vec<Ends>,
    runs: Vec<Run>,
    places: Vec<u32>,
    inputs: Vec<[u16; QUAD]>,
    weights: Vec<[f32; QUAD]>,
}

impl Pieces {
    /// Adds what each output reads of so many inputs, in rising order. Outputs that read nothing
    /// are there only if `all` are.
    ///
    /// # Panics
    ///
    /// When there are too many inputs for their number times [`SCALE`] to have 16 bits.
    pub fn push(&mut self, outputs: &[Vec<Entry>], inputs: u16, all: bool) {
        assert!(
            usize::from(inputs) * SCALE <= usize::from(u16::MAX),
            "inputs of a piece"
        );
        let first = self.runs.len();
        let mut order: Vec<usize> = (0..outputs.len())
            .filter(|&output| all || !outputs[output].is_empty())
            .collect();
        let (alike, mut others) = alike(outputs, &mut order);
        others.sort_by_key(|&output| outputs[output].len());
        let alike = alike.iter().map(|quad| (true, &quad[..]));
        let others = others.chunks(QUAD).map(|quad| (false, quad));
        for (alike, quad) in alike.chain(others) {
            let count = quad.iter().map(|&output| outputs[output].len()).max();
            let count = count.unwrap_or(0);
            let places = quad.iter().map(|&output| output as u32);
            self.places.extend(places);
            let missing = QUAD - quad.len();
            let none = outputs.len() as u32;
            self.places.extend(std::iter::repeat_n(none, missing));
            for index in 0..count {
                let entries: [Entry; QUAD] = std::array::from_fn(|place| {
                    let entries = quad.get(place).map_or(&[][..], |&output| &outputs[output]);
                    let filler = Entry {
                        input: inputs,
                        value: 0.0,
                    };
                    *entries.get(index).unwrap_or(&filler)
                });
                self.inputs
                    .push(entries.map(|entry| entry.input * SCALE as u16));
                self.weights.push(entries.map(|entry| entry.value));
            }
            let count = count as u32;
            match self.runs[first..].last_mut() {
                Some(run) if (run.alike, run.count) == (alike, count) => run.quads += 1,
                _ => self.runs.push(Run {
                    alike,
                    count,
                    quads: 1,
                }),
            }
        }
        self.ends.push(Ends {
            runs: self.runs.len(),
            places: self.places.len(),
            steps: self.inputs.len(),
        });
    }

    /// Gives back memory that is not needed.
    pub fn shrink(&mut self) {
        self.runs.shrink_to_fit();
        self.places.shrink_to_fit();
        self.inputs.shrink_to_fit();
        self.weights.shrink_to_fit();
    }

    /// One of them, by the order they were added in.
    ///
    /// # Panics
    ///
    /// When there are not so many.
    pub fn get(&self, index: usize) -> Piece<'_> {
        let start = index
            .checked_sub(1)
            .map_or(Ends::default(), |before| self.ends[before]);
        let end = self.ends[index];
        Piece {
            runs: &self.runs[start.runs..end.runs],
            places: &self.places[start.places..end.places],
            inputs: &self.inputs[start.steps..end.steps],
            weights: &self.weights[start.steps..end.steps],
        }
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.ends)
            + size_of_val(&*self.runs)
            + size_of_val(&*self.places)
            + size_of_val(&*self.inputs)
            + size_of_val(&*self.weights)
    }
}

/// Quads of outputs that read the same inputs, by how many these are, and the outputs in none of them.
fn alike(outputs: &[Vec<Entry>], order: &mut [usize]) -> (Vec<[usize; QUAD]>, Vec<usize>) {
    let read = |output: usize| outputs[output].iter().map(|entry| entry.input);
    order.sort_by(|&one, &other| {
        let lengths = outputs[one].len().cmp(&outputs[other].len());
        lengths.then_with(|| read(one).cmp(read(other)))
    });
    let (mut quads, mut others) = (Vec::new(), Vec::new());
    for same in order.chunk_by(|&one, &other| read(one).eq(read(other))) {
        let (some, rest) = same.as_chunks();
        quads.extend_from_slice(some);
        others.extend_from_slice(rest);
    }
    others.sort_unstable();
    (quads, others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &[(u16, f32)]) -> Vec<Entry> {
        let entry = |&(input, value)| Entry { input, value };
        list.iter().map(entry).collect()
    }

    // In the first piece outputs 1 and 2 have one entry, output 0 two; in the second only output 2
    // has any.
    #[test]
    fn outputs_are_ordered_by_how_much_they_read_and_filled_up() {
        let mut pieces = Pieces::default();
        let one = [
            entries(&[(0, 1.0), (1, 2.0)]),
            entries(&[(1, 2.5)]),
            entries(&[(0, 1.5)]),
        ];
        pieces.push(&one, 2, true);
        let two = [entries(&[]), entries(&[]), entries(&[(0, 3.0), (1, 4.0)])];
        pieces.push(&two, 2, false);
        let (first, second) = (pieces.get(0), pieces.get(1));
        assert_eq!(first.places, [1, 2, 0, 3]);
        assert_eq!(second.places, [2, 3, 3, 3]);
        let run = Run {
            alike: false,
            count: 2,
            quads: 1,
        };
        assert_eq!((first.runs, second.runs), (&[run][..], &[run][..]));
        assert_eq!(first.inputs, [[32, 0, 0, 64], [64, 64, 32, 64]]);
        assert_eq!(second.inputs, [[0, 64, 64, 64], [32, 64, 64, 64]]);
        assert_eq!(first.weights, [[2.5, 1.5, 1.0, 0.0], [0.0, 0.0, 2.0, 0.0]]);
        let mut seen = Vec::new();
        first.visit(2, |output, input, value| seen.push((output, input, value)));
        seen.sort_by_key(|&(output, input, _)| (output, input));
        assert_eq!(seen, [(0, 0, 1.0), (0, 1, 2.0), (1, 1, 2.5), (2, 0, 1.5)]);
    }

    #[test]
    fn outputs_that_read_nothing_are_in_a_piece_of_all_alone() {
        let mut pieces = Pieces::default();
        pieces.push(&[const { Vec::new() }; 4], 1, true);
        pieces.push(&[const { Vec::new() }; 4], 1, false);
        let run = Run {
            alike: true,
            count: 0,
            quads: 1,
        };
        assert_eq!(pieces.get(0).runs, [run]);
        assert_eq!(pieces.get(0).places, [0, 1, 2, 3]);
        assert!(pieces.get(1).runs.is_empty());
    }

    // Outputs 0, 2, 3, 5 and 6 read the same.
    #[test]
    fn four_that_read_the_same_are_a_quad() {
        let mut pieces = Pieces::default();
        let same = entries(&[(0, 1.0), (2, 2.0)]);
        let mut outputs = vec![same; 7];
        outputs[1] = entries(&[(1, 3.0)]);
        outputs[4] = entries(&[(0, 4.0), (1, 5.0)]);
        pieces.push(&outputs, 3, true);
        let piece = pieces.get(0);
        assert_eq!(piece.places, [0, 2, 3, 5, 1, 4, 6, 7]);
        let run = |alike| Run {
            alike,
            count: 2,
            quads: 1,
        };
        assert_eq!(piece.runs, [run(true), run(false)]);
        assert_eq!(piece.inputs[..2], [[0; 4], [64; 4]]);
        assert_eq!(piece.weights[..2], [[1.0; 4], [2.0; 4]]);
    }
}
