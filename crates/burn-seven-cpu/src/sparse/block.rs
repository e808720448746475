//! A weight's non-zeros, in the order that the kernels read them.

/// How many outputs lie interleaved.
pub const QUAD: usize = 4;

/// A non-zero of an output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// The input it reads.
    pub input: u16,
    /// The weight.
    pub value: f32,
}

/// Quads of outputs that have equally many entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Entries of each output.
    pub count: u32,
    /// How many quads there are.
    pub quads: u32,
}

/// What some outputs read of the inputs.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The first output.
    pub first: usize,
    /// How many outputs there are.
    pub outputs: usize,
    /// Quads of outputs, chunk of inputs after chunk of inputs.
    pub runs: Vec<Run>,
    /// How many of the runs are of the first chunk, in which every output starts.
    pub starts: usize,
    /// The outputs of each quad, by their place in the block; the place behind the last output
    /// stands for none.
    pub places: Vec<u32>,
    /// The inputs that a quad's entries read, one of each of its outputs at a time. Outputs with
    /// fewer entries than others of their quad are filled up with zeros that read the input behind
    /// the last.
    ///
    /// Four take one load: loads are what the kernels spend their time with.
    pub inputs: Vec<[u16; QUAD]>,
    /// The weights beside them.
    pub weights: Vec<[f32; QUAD]>,
}

impl Block {
    /// Packs outputs from `first` on, given what each reads, in rising order of inputs, taking
    /// `chunk` of the `inputs` at a time.
    pub fn new(first: usize, outputs: &[Vec<Entry>], inputs: usize, chunk: usize) -> Self {
        let mut block = Self {
            first,
            outputs: outputs.len(),
            ..Self::default()
        };
        let mut taken = vec![0; outputs.len()];
        for end in (chunk..inputs.max(1) + chunk).step_by(chunk) {
            let parts: Vec<&[Entry]> = outputs
                .iter()
                .zip(&mut taken)
                .map(|(entries, taken)| {
                    let rest = &entries[*taken..];
                    let part = rest.partition_point(|entry| (entry.input as usize) < end);
                    *taken += part;
                    &rest[..part]
                })
                .collect();
            block.push(&parts, inputs as u16);
        }
        block.runs.shrink_to_fit();
        block.places.shrink_to_fit();
        block.inputs.shrink_to_fit();
        block.weights.shrink_to_fit();
        block
    }

    /// Adds a chunk.
    fn push(&mut self, parts: &[&[Entry]], none: u16) {
        // All outputs start in the first chunk.
        let starts = self.starts == 0;
        let mut order: Vec<usize> = (0..parts.len())
            .filter(|&output| starts || !parts[output].is_empty())
            .collect();
        order.sort_by_key(|&output| parts[output].len());
        // From this chunk's first run on: runs of two chunks are not one.
        let start = self.runs.len();
        for quad in order.chunks(QUAD) {
            let count = quad.iter().map(|&output| parts[output].len()).max();
            let count = count.unwrap_or(0);
            let places = quad.iter().map(|&output| output as u32);
            self.places.extend(places);
            let missing = QUAD - quad.len();
            self.places
                .extend(std::iter::repeat_n(self.outputs as u32, missing));
            for index in 0..count {
                let entries: [Entry; QUAD] = std::array::from_fn(|place| {
                    let part = quad.get(place).map_or(&[][..], |&output| parts[output]);
                    let filler = Entry {
                        input: none,
                        value: 0.0,
                    };
                    *part.get(index).unwrap_or(&filler)
                });
                self.inputs.push(entries.map(|entry| entry.input));
                self.weights.push(entries.map(|entry| entry.value));
            }
            let count = count as u32;
            match self.runs[start..].last_mut() {
                Some(run) if run.count == count => run.quads += 1,
                _ => self.runs.push(Run { count, quads: 1 }),
            }
        }
        if starts {
            self.starts = self.runs.len();
        }
    }

    /// How many bytes the block takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.runs)
            + size_of_val(&*self.places)
            + size_of_val(&*self.inputs)
            + size_of_val(&*self.weights)
    }

    /// Hands each non-zero to `visit`: output, input, weight.
    pub fn visit(&self, inputs: usize, mut visit: impl FnMut(usize, usize, f32)) {
        let mut places = self.places.chunks_exact(QUAD);
        let mut steps = self.inputs.iter().zip(&self.weights);
        for run in &self.runs {
            for _ in 0..run.quads {
                let quad = places.next().unwrap_or_default();
                for (read, weights) in steps.by_ref().take(run.count as usize) {
                    for ((&place, &input), &weight) in quad.iter().zip(read).zip(weights) {
                        if usize::from(input) < inputs {
                            visit(self.first + place as usize, input.into(), weight);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(inputs: &[u16]) -> Vec<Entry> {
        let entry = |&input| Entry {
            input,
            value: f32::from(input) + 1.0,
        };
        inputs.iter().map(entry).collect()
    }

    // Two chunks of two inputs each. In the first, outputs 1 and 2 have one entry, output 0 two;
    // in the second only output 2 has any.
    #[test]
    fn outputs_are_ordered_by_how_much_they_read_and_filled_up() {
        let outputs = [entries(&[0, 1]), entries(&[1]), entries(&[0, 2, 3])];
        let block = Block::new(7, &outputs, 4, 2);
        assert_eq!(block.places, [1, 2, 0, 3, 2, 3, 3, 3]);
        let run = Run { count: 2, quads: 1 };
        assert_eq!(block.runs, [run, run]);
        assert_eq!(block.starts, 1);
        assert_eq!(
            block.inputs,
            [[1, 0, 0, 4], [4, 4, 1, 4], [2, 4, 4, 4], [3, 4, 4, 4]]
        );
        let weights = [
            [2.0, 1.0, 1.0, 0.0],
            [0.0, 0.0, 2.0, 0.0],
            [3.0, 0.0, 0.0, 0.0],
        ];
        assert_eq!(block.weights[..3], weights);
        let mut seen = Vec::new();
        block.visit(4, |output, input, value| seen.push((output, input, value)));
        seen.sort_by_key(|&(output, input, _)| (output, input));
        assert_eq!(
            seen,
            [
                (7, 0, 1.0),
                (7, 1, 2.0),
                (8, 1, 2.0),
                (9, 0, 1.0),
                (9, 2, 3.0),
                (9, 3, 4.0)
            ]
        );
    }
}
