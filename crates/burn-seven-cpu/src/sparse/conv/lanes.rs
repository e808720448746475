//! Which positions of the output a panel's lanes are, and what they read and write.

use super::super::split::Part;
use super::planes::{Layout, Tap};

/// Lanes that read neighbouring values of each plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// The first lane.
    pub lane: usize,
    /// How many there are.
    pub count: usize,
    /// What a tap without offset reads for the first lane, counted from the first image's channel.
    pub from: usize,
}

/// Lanes that write neighbouring values of each output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Write {
    /// The first lane.
    pub lane: usize,
    /// How many there are.
    pub count: usize,
    /// The image.
    pub image: usize,
    /// The first lane's place in a plane of the output.
    pub position: usize,
}

/// What a tap reads of a channel.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// How far behind the values that [`Read`] tells of.
    pub offset: isize,
    /// A bit for each lane that does not read the padding, which is zeros; 16 lanes each.
    pub inside: [u16; 4],
}

impl Reach {
    /// The same as one number.
    pub fn inside(self) -> u64 {
        let bits = self.inside.into_iter().rev();
        bits.fold(0, |before, bits| before << 16 | u64::from(bits))
    }
}

/// A panel's lanes, at most 64.
#[derive(Debug)]
pub struct Lanes {
    /// The panel's width.
    pub width: usize,
    /// What they read, in rising order of lanes.
    pub reads: Vec<Read>,
    /// What they write, in rising order of lanes.
    pub writes: Vec<Write>,
    /// What taps read for them, in the order of the kernel's weights.
    pub taps: Vec<Reach>,
}

impl Lanes {
    /// The lanes of a part of all images' positions.
    pub fn new(layout: &Layout, taps: &[Tap], part: Part) -> Self {
        debug_assert!(part.rows <= part.width && part.width <= 64);
        let axes = layout.axes();
        let [height, width] = axes.map(|axis| axis.output);
        let (mut reads, mut writes) = (Vec::<Read>::new(), Vec::<Write>::new());
        // Of each row and of each column of the kernel the lanes that are inside.
        let mut inside = axes.map(|axis| vec![0; axis.kernel]);
        let mut lane = 0;
        // One row of the output after the other.
        while lane < part.rows {
            let position = part.first + lane;
            let (image, position) = (position / (height * width), position % (height * width));
            let (row, column) = (position / width, position % width);
            let count = (width - column).min(part.rows - lane);
            for (mask, inside) in inside[0].iter_mut().zip(layout.inside(0)) {
                if inside.contains(&row) {
                    *mask |= bits(lane, lane + count);
                }
            }
            for (mask, inside) in inside[1].iter_mut().zip(layout.inside(1)) {
                let start = inside.start.clamp(column, column + count) - column;
                let end = inside.end.clamp(column, column + count) - column;
                *mask |= bits(lane + start, lane + end);
            }
            let from = image * layout.image() + row * layout.row() + column;
            match reads.last_mut() {
                Some(read) if read.from + read.count == from => read.count += count,
                _ => reads.push(Read { lane, count, from }),
            }
            match writes.last_mut() {
                Some(write) if write.image == image => write.count += count,
                _ => writes.push(Write {
                    lane,
                    count,
                    image,
                    position,
                }),
            }
            lane += count;
        }
        let reach = |tap: &Tap| {
            let bits: u64 = inside[0][tap.place[0]] & inside[1][tap.place[1]];
            Reach {
                offset: tap.offset,
                inside: [0, 16, 32, 48].map(|lane| (bits >> lane) as u16),
            }
        };
        Self {
            width: part.width,
            reads,
            writes,
            taps: taps.iter().map(reach).collect(),
        }
    }
}

/// Bits from `start` to `end`, at most 64.
pub fn bits(start: usize, end: usize) -> u64 {
    let below = |end: usize| match end {
        64.. => u64::MAX,
        _ => (1 << end) - 1,
    };
    below(end) & !below(start)
}

#[cfg(test)]
mod tests {
    use super::super::axis::Axis;
    use super::*;

    // Two images of 2 x 3 and two channels; a kernel of 1 x 3 with one zero on each side. The first
    // column of the kernel misses the first of each row, the last column the last.
    #[test]
    fn two_images_in_one_panel() {
        let axis = |kernel: usize, size: usize| Axis {
            kernel,
            stride: 1,
            before: kernel / 2,
            dilation: 1,
            input: size,
            output: size,
        };
        let layout = Layout::new([axis(1, 2), axis(3, 3)], 2);
        let part = Part {
            first: 4,
            rows: 6,
            width: 8,
        };
        let lanes = Lanes::new(&layout, &layout.taps(), part);
        let read = |lane, count, from| Read { lane, count, from };
        assert_eq!(lanes.reads, [read(0, 2, 4), read(2, 4, 12)]);
        let write = |lane, count, image, position| Write {
            lane,
            count,
            image,
            position,
        };
        assert_eq!(lanes.writes, [write(0, 2, 0, 4), write(2, 4, 1, 0)]);
        let offsets: Vec<_> = lanes.taps.iter().map(|tap| tap.offset).collect();
        assert_eq!(offsets, [-1, 0, 1]);
        let inside: Vec<_> = lanes.taps.iter().map(|tap| tap.inside()).collect();
        assert_eq!(inside, [0b01_1011, 0b11_1111, 0b10_1101]);
    }

    #[test]
    fn some_bits() {
        assert_eq!(bits(1, 3), 0b110);
        assert_eq!(bits(0, 64), u64::MAX);
        assert_eq!(bits(63, 64), 1 << 63);
        assert_eq!(bits(7, 7), 0);
    }
}
