//! What the kernel reads in one go: a non-zero of each output of a group.

/// Outputs of a group.
pub const LANES: usize = 64;

/// Inputs of a tile; two tiles are a window, which a step's inputs are in.
pub const TILE: usize = 64;

/// Marks inputs of non-zeros; the lower bits are the place in the window.
const USED: u8 = 0x80;

/// A non-zero of each output of a group, or of some of them.
///
/// Lanes without one hold -0 and look up +0, and adding -0 changes no sum.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Step<W> {
    /// For each byte of the kernel's registers its input in the window, and the top bit; 0 is none.
    pub inputs: [u8; LANES],
    /// For each lane its weight.
    pub weights: W,
}

impl<W: Weights> Step<W> {
    /// One of these non-zeros of lanes: the place in the window and the weight.
    pub fn new(entries: &[Option<(u8, f32)>; LANES]) -> Self {
        let mut inputs = [0; LANES];
        for (lane, entry) in entries.iter().enumerate() {
            inputs[byte(lane)] = entry.map_or(0, |(place, _)| USED | place);
        }
        let weights = entries.map(|entry| entry.map_or(-0.0, |(_, weight)| weight));
        let weights = W::new(&weights);
        Self { inputs, weights }
    }

    /// Hands each non-zero to `visit`: lane, place in the window, weight.
    #[cfg(test)]
    pub fn visit(&self, mut visit: impl FnMut(usize, usize, f32)) {
        for lane in 0..LANES {
            let input = self.inputs[byte(lane)];
            if input & USED != 0 {
                visit(lane, usize::from(input & !USED), self.weights.get(lane));
            }
        }
    }
}

/// The byte of a register of bytes that ends up in a lane, when four such registers are interleaved
/// to registers of four-byte values: within each quarter, as the instructions work.
fn byte(lane: usize) -> usize {
    let (register, quarter, place) = (lane / 16, lane % 16 / 4, lane % 4);
    quarter * 16 + register * 4 + place
}

/// The weights of a step.
pub trait Weights: Copy + Send + Sync {
    /// Of each lane.
    fn new(weights: &[f32; LANES]) -> Self;

    /// That of a lane.
    #[cfg(test)]
    fn get(&self, lane: usize) -> f32;
}

/// Full weights.
pub type Full = [f32; LANES];

/// Weights whose lower halves are 0, two in a value: in the upper half those of lanes 0 to 15 and
/// 32 to 47, in the lower half those 16 lanes further.
pub type Half = [u32; LANES / 2];

impl Weights for Full {
    fn new(weights: &[f32; LANES]) -> Self {
        *weights
    }

    #[cfg(test)]
    fn get(&self, lane: usize) -> f32 {
        self[lane]
    }
}

impl Weights for Half {
    fn new(weights: &[f32; LANES]) -> Self {
        std::array::from_fn(|place| {
            let lane = place / 16 * 32 + place % 16;
            let (upper, lower) = (weights[lane].to_bits(), weights[lane + 16].to_bits());
            upper & 0xffff_0000 | lower >> 16
        })
    }

    #[cfg(test)]
    fn get(&self, lane: usize) -> f32 {
        let pair = self[lane / 32 * 16 + lane % 16];
        f32::from_bits(match lane % 32 < 16 {
            true => pair & 0xffff_0000,
            false => pair << 16,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Quarters of 16 bytes: the first register's lanes are bytes 0 to 3 of each, and so on.
    #[test]
    fn lanes_and_bytes_are_paired() {
        assert_eq!([0, 3, 4, 15, 16, 63].map(byte), [0, 3, 16, 51, 4, 63]);
        let mut bytes: Vec<_> = (0..LANES).map(byte).collect();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..LANES).collect::<Vec<_>>());
    }

    fn check<W: Weights>() {
        let entries: [_; LANES] = std::array::from_fn(|lane| {
            let entry = (2 * lane as u8, lane as f32 + 1.0);
            (lane % 3 != 0).then_some(entry)
        });
        let mut seen = [None; LANES];
        let step = Step::<W>::new(&entries);
        step.visit(|lane, place, weight| seen[lane] = Some((place as u8, weight)));
        assert_eq!(seen, entries);
        let none = step.weights.get(0);
        assert_eq!(none.to_bits(), (-0.0f32).to_bits());
        assert_eq!(step.inputs[0], 0);
    }

    #[test]
    fn entries_come_back() {
        check::<Full>();
        check::<Half>();
    }
}
