//! The seam's methods, each by its own module.

use std::slice;

use burn::tensor::Tensor;
use burn_seven_kernels::{
    Candidates, Digit, Histogram, Kernels, Rewrite, SevenStep, Threshold, Updated, Written,
    fell_back, portable,
};
use tch::{TchError, no_grad_guard};

use crate::{count, finite, numbers, seven, write};

/// The kernels for libtorch's tensors.
#[derive(Debug)]
pub struct TchKernels;

/// What could not be undone should not fail.
///
/// # Panics
///
/// When it did: the device is out of memory or broken, where Burn's own operations panic too.
fn expect<T>(result: Result<T, TchError>, what: &str) -> T {
    result.unwrap_or_else(|error| panic!("libtorch should {what}: {error}"))
}

impl Kernels for TchKernels {
    fn name(&self) -> &'static str {
        "tch"
    }

    fn all_finite(&self, tensors: &[&Tensor<1>]) -> bool {
        let _guard = no_grad_guard();
        finite::all_finite(tensors).unwrap_or_else(|_| {
            fell_back(self.name(), "the check for NaN");
            portable::all_finite(tensors)
        })
    }

    fn seven(
        &self,
        step: SevenStep,
        _counts: Option<&mut Histogram>,
    ) -> Result<Updated, Box<SevenStep>> {
        if !seven::fits(&step) {
            fell_back(self.name(), "SEVEN's update");
            return Err(Box::new(step));
        }
        let _guard = no_grad_guard();
        Ok(Updated {
            state: expect(seven::update(step), "update SEVEN's statistics"),
            counted: false,
        })
    }

    fn count(&self, candidates: &[Candidates<'_>], digit: Digit, counts: &mut Histogram) {
        let _guard = no_grad_guard();
        if count::count(candidates, digit, counts).is_ok() {
            return;
        }
        // One of them may be of another type or device.
        match candidates {
            [one] => {
                fell_back(self.name(), "counting scores");
                portable::count(one, digit, counts);
            }
            all => all
                .iter()
                .for_each(|one| self.count(slice::from_ref(one), digit, counts)),
        }
    }

    fn write(&self, rewrites: Vec<Rewrite<'_>>, mut threshold: Threshold) -> Written {
        let _guard = no_grad_guard();
        let mut masks = Vec::with_capacity(rewrites.len());
        // Where the counts of what is kept belong, and the counts, still on the device.
        let (mut places, mut counts) = (Vec::new(), Vec::new());
        for (place, rewrite) in rewrites.into_iter().enumerate() {
            if write::fits(&rewrite) {
                let (mask, kept) = expect(write::write(rewrite, &mut threshold), "write a mask");
                masks.push((mask, 0));
                places.push(place);
                counts.push(kept);
            } else {
                fell_back(self.name(), "writing masks");
                masks.push(portable::write(rewrite, &mut threshold));
            }
        }
        let counts = expect(numbers::read(&counts), "count what masks keep");
        for (place, kept) in places.into_iter().zip(counts) {
            masks[place].1 = kept;
        }
        Written {
            masks,
            rest: threshold,
        }
    }
}
