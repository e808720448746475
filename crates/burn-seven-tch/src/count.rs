//! Counting scores by a digit of their keys.

use burn_seven_kernels::{Candidates, Digit, Histogram};
use tch::{Device, Kind, TchError, Tensor};

use crate::held::Held;
use crate::keys::{above, bins, keys};
use crate::numbers::{self, unsigned};
use crate::pieces::{self, Piece};

/// Entries that are not counted go to this many bins by turns: if all went to one, an accelerator's
/// additions would wait for each other.
const ASIDE: i64 = 1 << 10;

/// One tensor's candidates.
struct Read {
    scores: Held,
    pruned: Held,
    regrows: bool,
    reserved: Option<Held>,
}

impl Read {
    fn of(candidates: &Candidates<'_>) -> Result<Self, TchError> {
        let reserved = candidates.reserved.cloned().map(Held::flags);
        Ok(Self {
            scores: Held::floats(candidates.scores.clone())?,
            pruned: Held::flags(candidates.pruned.clone())?,
            regrows: candidates.regrows,
            reserved: reserved.transpose()?,
        })
    }
}

/// Adds the unreserved candidates of these tensors of one device to `counts`, which an error leaves
/// as they were.
pub fn count(
    candidates: &[Candidates<'_>],
    digit: Digit,
    counts: &mut Histogram,
) -> Result<(), TchError> {
    let reads: Vec<Read> = candidates.iter().map(Read::of).collect::<Result<_, _>>()?;
    let Some(first) = reads.first() else {
        return Ok(());
    };
    let device = first.scores.get().device();
    let longest = reads.iter().map(|read| read.scores.get().numel()).max();
    let longest = longest.map_or(0, |longest| longest as i64);
    let mut counter = Counter::new(device, digit, longest.min(pieces::length(device)))?;
    for read in &reads {
        counter.add(read)?;
    }
    let any_return = reads.iter().any(|read| read.regrows);
    counter.read(any_return, counts)
}

/// Counts on the device.
struct Counter {
    digit: Digit,
    device: Device,
    /// Bins of entries that are kept now, then those pruned, then those of entries set aside.
    bins: Tensor,
    /// Where each entry of a piece goes if it is set aside.
    aside: Tensor,
    /// What each entry adds.
    ones: Tensor,
    nan: Tensor,
    /// One of each tensor.
    above: Vec<Tensor>,
}

impl Counter {
    /// For pieces of up to so many entries.
    fn new(device: Device, digit: Digit, length: i64) -> Result<Self, TchError> {
        let options = (Kind::Int64, device);
        let counted = 2 * digit.bins() as i64;
        let mut aside = Tensor::f_arange(length, (Kind::Int, device))?;
        let _ = aside.f_bitwise_and_(ASIDE - 1)?;
        let _ = aside.f_add_scalar_(counted)?;
        Ok(Self {
            digit,
            device,
            bins: Tensor::f_zeros([counted + ASIDE], options)?,
            aside,
            ones: Tensor::f_ones([1i64], options)?.f_expand([length], false)?,
            nan: numbers::zero(device)?,
            above: Vec::new(),
        })
    }

    fn add(&mut self, read: &Read) -> Result<(), TchError> {
        let scores = read.scores.get();
        self.above.push(numbers::zero(self.device)?);
        for piece in pieces::of(scores) {
            self.add_piece(read, piece)?;
        }
        Ok(())
    }

    fn add_piece(&mut self, read: &Read, piece: Piece) -> Result<(), TchError> {
        let scores = piece.of(read.scores.get())?;
        let pruned = piece.of(read.pruned.get())?;
        let keys = keys(&scores)?;
        let nan = scores.f_isnan()?;
        let mut open = nan.f_logical_not()?;
        let mut countable_nan = nan;
        let mut exclude = |closed: &Tensor| -> Result<(), TchError> {
            let not_closed = closed.f_logical_not()?;
            let _ = open.f_logical_and_(&not_closed)?;
            let _ = countable_nan.f_logical_and_(&not_closed)?;
            Ok(())
        };
        if !read.regrows {
            exclude(&pruned)?;
        }
        if let Some(reserved) = &read.reserved {
            exclude(&piece.of(reserved.get())?)?;
        }
        let _ = self.nan.f_add_(&numbers::count(&countable_nan)?)?;
        if let Some((high, prefix)) = above(&keys, self.digit)? {
            let mut higher = high.f_gt(prefix)?;
            let _ = higher.f_logical_and_(&open)?;
            if let Some(above) = self.above.last_mut() {
                let _ = above.f_add_(&numbers::count(&higher)?)?;
            }
            let _ = open.f_logical_and_(&high.f_eq(prefix)?)?;
        }
        let mut places = bins(&keys, self.digit)?;
        if read.regrows {
            let mut back = pruned.f_to_kind(Kind::Int)?;
            let _ = back.f_mul_scalar_(self.digit.bins() as i64)?;
            let _ = places.f_add_(&back)?;
        }
        // Chooses by arithmetic, which is faster than libtorch's `where` on a CPU.
        let aside = self.aside.f_narrow(0, 0, piece.length)?;
        let _ = places.f_sub_(&aside)?;
        let _ = places.f_mul_(&open)?;
        let _ = places.f_add_(&aside)?;
        let places = places.f_to_kind(Kind::Int64)?;
        let ones = self.ones.f_narrow(0, 0, piece.length)?;
        let _ = self.bins.f_scatter_add_(0, &places, &ones)?;
        Ok(())
    }

    /// Reads all counts at once.
    fn read(self, with_dropped: bool, counts: &mut Histogram) -> Result<(), TchError> {
        let bins = self.digit.bins();
        let parts = if with_dropped { 2 } else { 1 };
        let mut singles = self.above;
        singles.push(self.nan);
        let singles = Tensor::f_stack(&singles, 0)?;
        let binned = self.bins.f_narrow(0, 0, (parts * bins) as i64)?;
        let all: Vec<i64> = Tensor::f_cat(&[binned, singles], 0)?.try_into()?;
        let all = unsigned(all);
        let (kept, rest) = all.split_at(bins);
        let (pruned, rest) = rest.split_at((parts - 1) * bins);
        let (above, nan) = rest.split_at(rest.len() - 1);
        add(&mut counts.kept, kept);
        add(&mut counts.pruned, pruned);
        counts.above.extend_from_slice(above);
        counts.nan += nan.iter().sum::<u64>();
        Ok(())
    }
}

fn add(to: &mut [u64], from: &[u64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
