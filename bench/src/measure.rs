//! Measuring one pruning step of one scorer.

use std::time::Instant;

use burn::tensor::Device;
use burn_seven::Sparsity;
use burn_seven::internals::Selector;
use burn_seven::scorer::AnyScorer;
use serde::{Deserialize, Serialize};

use crate::numbers::Spread;
use crate::weights::Weights;
use crate::{Error, memory};

/// The figures of one scorer; times are nanoseconds a weight.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// The scorer's name.
    pub scorer: String,
    /// The update, with the check for NaN and infinite values, and with the count of the new
    /// scores where it is made in the same pass.
    pub update: Spread,
    /// The exact threshold.
    pub threshold: Spread,
    /// Writing the masks.
    pub masks: Spread,
    /// All three.
    pub total: Spread,
    /// The median total over the time of copying 16 bytes a weight.
    pub over_copy: f64,
    /// Bytes a weight at the peak, beyond weights and gradients: state, masks and scratch. Only of
    /// host memory, and of a process's first scorer: the allocator keeps what earlier ones freed.
    pub extra_bytes: Option<f64>,
}

/// Measures `repeat` steps of a scorer.
///
/// # Errors
///
/// What the library refuses.
pub fn measure(
    scorer: impl Into<AnyScorer>,
    weights: &Weights,
    device: &Device,
    repeat: u64,
    copy: f64,
    first: bool,
) -> Result<Figures, Error> {
    // One that fails to wait shows in the next read.
    let sync = || drop(device.sync());
    let mut scorer = scorer.into();
    let name = scorer.name();
    let regrows = scorer.regrowth().is_possible();
    let counting = scorer.never_nan();
    let selector = Selector::default();
    let before = memory::reset();
    // The first update makes the state; a scorer with a window has scores at its end.
    while scorer.scores().is_empty() {
        scorer.update(&weights.grads()?)?;
    }
    let mut masks = scorer.scores().dense_masks();
    let mut times = Vec::new();
    for step in 0..=repeat {
        // A cubic ramp to 0.9: a new threshold each time.
        let left = 1.0 - (step + 1) as f64 / (repeat + 1) as f64;
        let sparsity = Sparsity::new(0.9 * (1.0 - left.powi(3)))?;
        sync();
        let start = Instant::now();
        let passed = || start.elapsed().as_secs_f64();
        let grads = weights.grads()?;
        let mut tally = selector.tally(&masks, sparsity, regrows)?;
        match counting {
            true => scorer.update_counting(&grads, Some(&mut tally))?,
            false => scorer.update(&grads)?,
        }
        sync();
        let updated = passed();
        let scores = scorer.scores();
        let tally = counting.then_some(tally);
        let thresholds = selector.thresholds(&scores, &masks, sparsity, regrows, tally)?;
        let cut = passed();
        masks = thresholds.write(&scores, masks)?.masks;
        sync();
        let total = passed();
        let parts = [updated, cut - updated, total - cut, total];
        // The first step writes masks to memory that was never touched.
        if step > 0 {
            times.push(parts.map(|time| time * 1e9 / weights.count() as f64));
        }
    }
    let on_the_host = ["ndarray", "flex", "tch", "portable"].contains(&selector.kernels_at(device));
    let extra = before
        .filter(|_| first && on_the_host)
        .zip(memory::peak())
        .map(|(before, peak)| (peak - before) / weights.count() as f64);
    let spread = |part: usize| Spread::of(times.iter().map(|times| times[part]));
    Ok(Figures {
        scorer: name.to_string(),
        update: spread(0),
        threshold: spread(1),
        masks: spread(2),
        total: spread(3),
        over_copy: spread(3).median / copy,
        extra_bytes: extra,
    })
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let extra = self
            .extra_bytes
            .map_or("-".to_string(), |bytes| format!("{bytes:.1}"));
        write!(
            f,
            "{:25}  {:25}  {:25}  {:25}  {:6.1}  {extra:>11}",
            self.update.to_string(),
            self.threshold.to_string(),
            self.masks.to_string(),
            self.total.to_string(),
            self.over_copy,
        )
    }
}

/// The columns of [`Figures`].
pub const HEAD: &str = "update                     threshold                  masks                      total                      x copy  extra bytes";
