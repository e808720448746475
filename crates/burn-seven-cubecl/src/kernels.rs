//! The kernels behind burn-seven's seam.

use std::marker::PhantomData;

use burn::tensor::Tensor;
use burn_seven_kernels::{
    Candidates, Digit, Histogram, Kernels, Rewrite, SevenStep, SevenTensors, Threshold, Updated,
    Written, fell_back, portable,
};

use crate::scored::Scored;
use crate::seven::{Seven, seven};
use crate::write::{Lines, write};
use crate::{Tensors, count, finite};

/// The kernels for tensors of `B`, Burn's backend for CubeCL with or without fusion.
pub struct CubeKernels<B>(PhantomData<fn() -> B>);

impl<B> CubeKernels<B> {
    /// The kernels.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<B> Default for CubeKernels<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B> std::fmt::Debug for CubeKernels<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CubeKernels")
    }
}

/// The kernels for tensors of `B`, which is `burn::backend::Cube`.
pub fn kernels<B: Tensors + 'static>() -> &'static dyn Kernels {
    &CubeKernels::<B>(PhantomData)
}

/// One tensor's mask to be written.
enum Target<'a> {
    /// By the kernels.
    Here(Box<Scored>),
    /// By the portable path.
    Elsewhere(Box<Rewrite<'a>>),
}

impl<'a> Target<'a> {
    fn new<B: Tensors>(rewrite: Rewrite<'a>) -> Self {
        let Rewrite {
            scores,
            pruned,
            regrows,
            reserved,
        } = rewrite;
        match Scored::fits::<B>(scores, &pruned, reserved) {
            true => Self::Here(Box::new(Scored::new::<B>(
                scores.clone(),
                pruned,
                regrows,
                reserved.cloned(),
            ))),
            false => Self::Elsewhere(Box::new(Rewrite {
                scores,
                pruned,
                regrows,
                reserved,
            })),
        }
    }
}

impl<B: Tensors + 'static> Kernels for CubeKernels<B> {
    fn name(&self) -> &'static str {
        "cubecl"
    }

    // 2048 bins are 8 KiB, so that those of kept and pruned entries together fit into what any
    // device lets a cube's units share.
    fn digits(&self) -> &'static [u32] {
        &[11, 11, 10]
    }

    fn all_finite(&self, tensors: &[&Tensor<1>]) -> bool {
        let (here, elsewhere): (Vec<&Tensor<1>>, Vec<&Tensor<1>>) =
            tensors.iter().partition(|tensor| B::has_floats(tensor));
        let taken = |tensor: &Tensor<1>| B::take_floats(tensor.clone());
        let here: Vec<_> = here.into_iter().map(taken).collect();
        if !elsewhere.is_empty() {
            fell_back(self.name(), "the check for NaN");
        }
        finite::all_finite(&here) && portable::all_finite(&elsewhere)
    }

    fn seven(
        &self,
        step: SevenStep,
        _counts: Option<&mut Histogram>,
    ) -> Result<Updated, Box<SevenStep>> {
        let score = &step.state.score;
        let with = |tensor: &Tensor<1>| {
            B::has_floats(tensor)
                && tensor.device() == score.device()
                && tensor.shape() == score.shape()
        };
        let tensors = [
            &step.state.moment_1,
            &step.state.moment_2,
            score,
            &step.weight,
            &step.grad,
        ];
        let flags_fit = step.pruned.as_ref().is_none_or(|flags| {
            B::has_flags(flags)
                && flags.device() == score.device()
                && flags.shape() == score.shape()
        });
        if !tensors.into_iter().all(with) || !flags_fit {
            fell_back(self.name(), "SEVEN's update");
            return Err(Box::new(step));
        }
        let updated = seven(
            &step.rule,
            Seven {
                moment_1: B::take_floats(step.state.moment_1),
                moment_2: B::take_floats(step.state.moment_2),
                score: B::take_floats(step.state.score),
                weight: B::take_floats(step.weight),
                grad: B::take_floats(step.grad),
                pruned: step.pruned.map(B::take_flags),
            },
        );
        let [moment_1, moment_2, score] = updated.map(B::give_floats);
        Ok(Updated {
            state: SevenTensors {
                moment_1,
                moment_2,
                score,
            },
            counted: false,
        })
    }

    fn count(&self, candidates: &[Candidates<'_>], digit: Digit, counts: &mut Histogram) {
        assert_eq!(counts.kept.len(), digit.bins(), "bins of the histogram");
        let start = counts.above.len();
        counts.above.resize(start + candidates.len(), 0);
        let (mut here, mut positions) = (Vec::new(), Vec::new());
        for (index, one) in candidates.iter().enumerate() {
            let fits = Scored::fits::<B>(one.scores, one.pruned, one.reserved);
            let scored = fits.then(|| {
                let reserved = one.reserved.cloned();
                Scored::new::<B>(
                    one.scores.clone(),
                    one.pruned.clone(),
                    one.regrows,
                    reserved,
                )
            });
            match scored.filter(|scored| count::fits(digit, &scored.scores.client)) {
                Some(scored) => {
                    here.push(scored);
                    positions.push(start + index);
                }
                None => {
                    fell_back(self.name(), "counting scores");
                    portable::count(one, digit, counts);
                    counts.above[start + index] = counts.above.pop().unwrap_or(0);
                }
            }
        }
        let above = count::count(&here, digit, counts);
        for (position, above) in positions.into_iter().zip(above) {
            counts.above[position] = above;
        }
    }

    fn write(&self, rewrites: Vec<Rewrite<'_>>, mut threshold: Threshold) -> Written {
        let targets: Vec<_> = rewrites.into_iter().map(Target::new::<B>).collect();
        let here = targets.iter().filter_map(|target| match target {
            Target::Here(scored) => Some(&**scored),
            Target::Elsewhere(_) => None,
        });
        let mut lines = Lines::new(&here.collect::<Vec<_>>(), threshold);
        // In order, because of the ties; the masks of the portable path are written at once.
        let mut masks = Vec::new();
        let (mut written, mut positions) = (Vec::new(), Vec::new());
        for target in targets {
            match target {
                Target::Here(scored) => {
                    let line = lines.next(&scored, &mut threshold);
                    written.push((scored, line));
                    positions.push(masks.len());
                    masks.push(None);
                }
                Target::Elsewhere(rewrite) => {
                    fell_back(self.name(), "writing masks");
                    masks.push(Some(portable::write(*rewrite, &mut threshold)));
                }
            }
        }
        let to_write = written.iter_mut();
        let kept = write(
            to_write
                .map(|(scored, line)| (&mut **scored, *line))
                .collect(),
        );
        for ((position, (scored, _)), kept) in positions.into_iter().zip(written).zip(kept) {
            masks[position] = Some((B::give_flags(scored.pruned), kept));
        }
        Written {
            masks: masks.into_iter().flatten().collect(),
            rest: threshold,
        }
    }
}
