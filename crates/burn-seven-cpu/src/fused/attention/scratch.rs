//! Memory of a thread for one head at a time.

/// Numbers of a cache line.
const LINE: usize = 16;

/// What a head's work takes of memory; it is kept for the next head.
#[derive(Debug, Default)]
pub struct Scratch(Vec<f32>);

impl Scratch {
    /// Slices of these lengths, each from the start of a cache line on; they hold anything.
    pub fn take<const N: usize>(&mut self, lengths: [usize; N]) -> [&mut [f32]; N] {
        let room: usize = lengths
            .iter()
            .map(|length| length.next_multiple_of(LINE))
            .sum();
        if self.0.len() < room + LINE {
            self.0.resize(room + LINE, 0.0);
        }
        let skipped = self
            .0
            .as_ptr()
            .align_offset(LINE * size_of::<f32>())
            .min(LINE);
        let mut rest = &mut self.0[skipped..];
        lengths.map(|length| {
            let (part, others) =
                std::mem::take(&mut rest).split_at_mut(length.next_multiple_of(LINE));
            rest = others;
            &mut part[..length]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_of_their_lengths_on_lines_of_their_own() {
        let mut scratch = Scratch::default();
        for lengths in [[5, 0, 16], [100, 17, 3], [1, 1, 1]] {
            let parts = scratch.take(lengths);
            for (part, length) in parts.iter().zip(lengths) {
                assert_eq!(part.len(), length);
                assert_eq!(part.as_ptr().addr() % 64, 0);
            }
            for part in parts {
                part.fill(1.0);
            }
        }
    }
}
