//! Copying values of planes into panels.

use std::ops::Range;

use super::super::Level;
use super::lanes::{Lanes, bits};

/// The planes of a group's channels.
#[derive(Debug, Clone, Copy)]
pub struct Channels<'a> {
    /// The planes of all images.
    pub planes: &'a [f32],
    /// The first image's first value of the group.
    pub first: usize,
    /// Values of a channel.
    pub step: usize,
    /// The channels that inputs are of, counted from the group's first.
    pub read: &'a [usize],
}

/// Rows of a panel, and what they are copied from.
#[derive(Debug, Clone, Copy)]
struct Rows<'a> {
    /// The value of the group's first channel that a tap without offset reads for the planes' first
    /// position.
    from: *const f32,
    /// How far channels are apart.
    from_step: usize,
    /// The channels, from the first row's on.
    read: &'a [usize],
    /// The tap of the first row.
    tap: usize,
    /// The first row.
    to: *mut f32,
    /// How many there are.
    count: usize,
}

impl Rows<'_> {
    /// The value of each channel, as `from`.
    #[inline(always)]
    fn places(&self) -> impl Iterator<Item = *const f32> {
        let place = |channel: &usize| self.from.wrapping_add(channel * self.from_step);
        self.read.iter().map(place)
    }
}

/// Writes the panel of some inputs, of each channel its taps: for each the values of all lanes, then
/// zeros once more.
///
/// # Panics
///
/// When `panel` does not hold `(inputs.len() + 1) * lanes.width` values, or the inputs are of more
/// channels than there are.
///
/// # Safety
///
/// The processor should have the instructions. The lanes should be of the planes' layout, and the
/// planes hold all images of the lanes and all channels of the inputs.
#[allow(unsafe_code)]
pub unsafe fn gather(
    level: Level,
    channels: Channels<'_>,
    lanes: &Lanes,
    inputs: Range<usize>,
    panel: &mut [f32],
) {
    let (width, count) = (lanes.width, inputs.len());
    assert_eq!(panel.len(), (count + 1) * width, "values of the panel");
    panel[count * width..].fill(0.0);
    let taps = lanes.taps.len();
    assert!(inputs.end <= channels.read.len() * taps, "channels");
    let rows = Rows {
        from: channels.planes.as_ptr().wrapping_add(channels.first),
        from_step: channels.step,
        read: &channels.read[inputs.start / taps..],
        tap: inputs.start % taps,
        to: panel.as_mut_ptr(),
        count,
    };
    // SAFETY: the panel has the rows. Lanes that are inside read a value of the planes, as the
    // caller says.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if width >= 16 => avx512(rows, lanes),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => avx2(rows, lanes),
            _ => portable(rows, lanes),
        }
    }
}

/// Copies run by run of lanes that read neighbouring values.
///
/// # Safety
///
/// The rows should be there to write, and for each lane that is inside a value to read.
#[allow(unsafe_code)]
unsafe fn portable(rows: Rows<'_>, lanes: &Lanes) {
    let Rows {
        mut tap, mut to, ..
    } = rows;
    let mut places = rows.places();
    let mut from = places.next().unwrap_or(rows.from);
    for _ in 0..rows.count {
        let reach = lanes.taps[tap];
        // SAFETY: the row is there, and values for the lanes of each run, which are inside.
        unsafe {
            std::slice::from_raw_parts_mut(to, lanes.width).fill(0.0);
            for read in &lanes.reads {
                let mut inside = reach.inside() & bits(read.lane, read.lane + read.count);
                while inside != 0 {
                    let lane = inside.trailing_zeros() as usize;
                    let count = (inside >> lane).trailing_ones() as usize;
                    let values = from.wrapping_add(read.from + lane - read.lane);
                    let values = values.wrapping_offset(reach.offset);
                    std::ptr::copy_nonoverlapping(values, to.add(lane), count);
                    inside &= !bits(lane, lane + count);
                }
            }
        }
        to = to.wrapping_add(lanes.width);
        tap += 1;
        if tap == lanes.taps.len() {
            tap = 0;
            from = places.next().unwrap_or(rows.from); // behind the last row
        }
    }
}

/// Some lanes of a vector that read neighbouring values.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
struct Source {
    /// A bit for each lane.
    lanes: u16,
    /// Where the vector would lie if all its lanes did.
    from: isize,
}

/// The sources of the vector of `count` lanes from `first` on.
#[cfg(target_arch = "x86_64")]
fn sources(lanes: &Lanes, first: usize, count: usize) -> Vec<Source> {
    let mut sources = Vec::with_capacity(count);
    for read in &lanes.reads {
        let bits = bits(read.lane, read.lane + read.count) & bits(first, first + count);
        if bits != 0 {
            sources.push(Source {
                lanes: (bits >> first) as u16,
                from: read.from as isize + first as isize - read.lane as isize,
            });
        }
    }
    sources
}

/// Copies with vectors that read only those of their lanes that are inside.
#[cfg(target_arch = "x86_64")]
macro_rules! copy {
    (
        $name:ident, $feature:literal, $lanes:literal, $vector:ty, $mask:ty,
        mask($bits:ident) = $to_mask:expr, $load:expr, $zero:ident, $store:ident
    ) => {
        /// # Safety
        ///
        /// As [`portable`], with the instructions.
        #[target_feature(enable = $feature)]
        #[allow(unsafe_code)]
        unsafe fn $name(rows: Rows<'_>, lanes: &Lanes) {
            use std::arch::x86_64::*;
            const LANES: usize = $lanes;

            /// Rows of `N` vectors.
            ///
            /// # Safety
            ///
            /// As the function around, for lanes of this width.
            #[target_feature(enable = $feature)]
            unsafe fn rows_of<const N: usize>(rows: Rows<'_>, lanes: &Lanes) {
                let one = match lanes.reads[..] {
                    [read] => Some(read.from),
                    _ => None,
                };
                let sources: [_; N] = match one {
                    Some(_) => [const { Vec::new() }; N],
                    None => std::array::from_fn(|n| sources(lanes, n * LANES, LANES)),
                };
                let Rows {
                    mut tap, mut to, ..
                } = rows;
                let mut places = rows.places();
                let mut from = places.next().unwrap_or(rows.from);
                for _ in 0..rows.count {
                    let reach = &lanes.taps[tap];
                    let place = from.wrapping_offset(reach.offset);
                    for n in 0..N {
                        let inside = reach.inside[n * LANES / 16] >> (n * LANES % 16);
                        // SAFETY: the row is there, and values for the lanes of masks; the others
                        // are not read.
                        unsafe {
                            let mut values: $vector = $zero();
                            if let Some(from) = one {
                                let $bits = inside;
                                let mask: $mask = $to_mask;
                                let place = place.wrapping_add(from + n * LANES);
                                values = $load(values, mask, place);
                            } else {
                                for source in &sources[n] {
                                    let $bits = inside & source.lanes;
                                    let mask: $mask = $to_mask;
                                    let place = place.wrapping_offset(source.from);
                                    values = $load(values, mask, place);
                                }
                            }
                            $store(to.add(n * LANES), values);
                        }
                    }
                    to = to.wrapping_add(N * LANES);
                    tap += 1;
                    if tap == lanes.taps.len() {
                        tap = 0;
                        from = places.next().unwrap_or(rows.from); // behind the last row
                    }
                }
            }

            // SAFETY: as the caller says.
            unsafe {
                match lanes.width / LANES {
                    8 => rows_of::<8>(rows, lanes),
                    4 => rows_of::<4>(rows, lanes),
                    2 => rows_of::<2>(rows, lanes),
                    1 => rows_of::<1>(rows, lanes),
                    _ => portable(rows, lanes),
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
copy!(
    avx512,
    "avx512f",
    16,
    __m512,
    __mmask16,
    mask(bits) = bits,
    |others, mask, from| _mm512_mask_loadu_ps(others, mask, from),
    _mm512_setzero_ps,
    _mm512_storeu_ps
);

#[cfg(target_arch = "x86_64")]
copy!(
    avx2,
    "avx2",
    8,
    __m256,
    __m256i,
    mask(bits) = {
        let each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        let all = _mm256_set1_epi32(i32::from(bits));
        _mm256_cmpeq_epi32(_mm256_and_si256(all, each), each)
    },
    |others, mask, from| _mm256_or_ps(others, _mm256_maskload_ps(from, mask)),
    _mm256_setzero_ps,
    _mm256_storeu_ps
);
