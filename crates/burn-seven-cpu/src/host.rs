//! The slices' kernels for the tensors of a backend in host memory.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use burn_seven_kernels::{
    Candidates, Digit, Histogram, Kernels, PackedWeight, Rewrite, SevenStep, SevenTensors,
    Threshold, Updated, Written, fell_back, portable,
};

use crate::host_sparse;
use crate::{Flag, Scored, Seven, all_finite, count, seven, to_rows, write, zero};

/// A tensor's values in row-major order.
pub trait Buffer<T> {
    /// To read.
    fn slice(&self) -> &[T];
    /// To write: the tensor's own memory if no one else holds it, else a copy that takes its place.
    fn slice_mut(&mut self) -> &mut [T];
}

/// A backend whose tensors lie in host memory.
pub trait Host: Debug + Send + Sync + 'static {
    /// The path's name, as the report shows it.
    const NAME: &'static str;
    /// How booleans are stored.
    type Flag: Flag;
    /// A float32 tensor of the backend.
    type Floats: Buffer<f32>;
    /// A boolean tensor of the backend.
    type Flags: Buffer<Self::Flag>;

    /// Whether tensors on this device are the backend's.
    fn holds(device: &Device) -> bool;
    /// A float32 tensor on such a device, made contiguous if it is not; none of another type.
    fn floats(tensor: Tensor<1>) -> Option<Self::Floats>;
    /// The values of a float32 matrix on such a device that lies column by column, in that order;
    /// none of any other.
    fn columns(matrix: Tensor<2>) -> Option<Self::Floats>;
    /// The same as a tensor.
    fn from_floats(floats: Self::Floats) -> Tensor<1>;
    /// A boolean tensor on such a device, made contiguous if it is not; none if it is stored wider.
    fn flags(tensor: Tensor<1, Bool>) -> Option<Self::Flags>;
    /// The same as a tensor.
    fn from_flags(flags: Self::Flags) -> Tensor<1, Bool>;
}

/// The slices' kernels for a [`Host`].
#[derive(Debug, Clone, Copy)]
pub struct HostKernels<H>(PhantomData<H>);

impl<H> HostKernels<H> {
    /// The kernels.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<H> Default for HostKernels<H> {
    fn default() -> Self {
        Self::new()
    }
}

/// The buffers of one tensor's candidates.
struct Read<H: Host> {
    scores: H::Floats,
    reserved: Option<H::Flags>,
    regrows: bool,
}

impl<H: Host> Read<H> {
    fn of(scores: &Tensor<1>, reserved: Option<&Tensor<1, Bool>>, regrows: bool) -> Option<Self> {
        let reserved = match reserved {
            None => None,
            Some(reserved) => Some(H::flags(reserved.clone())?),
        };
        Some(Self {
            scores: H::floats(scores.clone())?,
            reserved,
            regrows,
        })
    }

    fn scored(&self) -> Scored<'_, H::Flag> {
        Scored {
            scores: self.scores.slice(),
            regrows: self.regrows,
            reserved: self.reserved.as_ref().map(Buffer::slice),
        }
    }
}

impl<H: Host> HostKernels<H> {
    /// One tensor's buffers, and those of what its mask drops.
    fn read(candidates: &Candidates<'_>) -> Option<(Read<H>, H::Flags)> {
        if !H::holds(&candidates.scores.device()) {
            return None;
        }
        let read = Read::of(candidates.scores, candidates.reserved, candidates.regrows)?;
        Some((read, H::flags(candidates.pruned.clone())?))
    }

    /// The whole rewrite comes back where it is not for this backend.
    fn write_one<'a>(
        rewrite: Rewrite<'a>,
        threshold: &mut Threshold,
    ) -> Result<(Tensor<1, Bool>, u64), Box<Rewrite<'a>>> {
        let read = match H::holds(&rewrite.scores.device()) {
            true => Read::<H>::of(rewrite.scores, rewrite.reserved, rewrite.regrows),
            false => None,
        };
        // Asked of a handle that is gone before the mask is written, so that it can be in place.
        let usable = read.is_some() && H::flags(rewrite.pruned.clone()).is_some();
        let (Some(read), true) = (read, usable) else {
            return Err(Box::new(rewrite));
        };
        let mut flags =
            H::flags(rewrite.pruned).expect("flags that were usable should still be so");
        let kept = write(read.scored(), flags.slice_mut(), threshold);
        Ok((H::from_flags(flags), kept))
    }
}

impl<H: Host> Kernels for HostKernels<H> {
    fn name(&self) -> &'static str {
        H::NAME
    }

    fn flatten(&self, matrix: Tensor<2>) -> Tensor<1> {
        let (device, [rows, width]) = (matrix.device(), matrix.dims());
        if H::holds(&device)
            && rows > 1
            && width > 1
            && let Some(columns) = H::columns(matrix.clone())
        {
            let values = to_rows(columns.slice(), rows);
            // Float32 whatever the device's own choice is.
            let data = TensorData::new(values, [rows * width]);
            return Tensor::from_data(data, (&device, DType::F32));
        }
        matrix.reshape([rows * width])
    }

    fn matrix_finite(&self, matrix: &Tensor<2>) -> Option<bool> {
        if !H::holds(&matrix.device()) {
            return None;
        }
        let columns = H::columns(matrix.clone())?;
        Some(all_finite(columns.slice()))
    }

    fn all_finite(&self, tensors: &[&Tensor<1>]) -> bool {
        tensors.iter().all(|tensor| {
            let floats = match H::holds(&tensor.device()) {
                true => H::floats((*tensor).clone()),
                false => None,
            };
            match floats {
                Some(floats) => all_finite(floats.slice()),
                None => {
                    fell_back(H::NAME, "the check for NaN");
                    portable::all_finite(&[tensor])
                }
            }
        })
    }

    fn seven(
        &self,
        step: SevenStep,
        counts: Option<&mut Histogram>,
    ) -> Result<Updated, Box<SevenStep>> {
        let tensors = [
            &step.state.moment_1,
            &step.state.moment_2,
            &step.state.score,
            &step.weight,
            &step.grad,
        ];
        // Asked of handles that are gone before the state is written, so that it can be in place.
        let usable = tensors
            .iter()
            .all(|tensor| H::holds(&tensor.device()) && H::floats((*tensor).clone()).is_some());
        let pruned = step.pruned.clone().map(H::flags);
        if !usable || pruned.as_ref().is_some_and(Option::is_none) {
            fell_back(H::NAME, "SEVEN's update");
            return Err(Box::new(step));
        }
        let pruned = pruned.flatten();
        let floats =
            |tensor| H::floats(tensor).expect("floats that were usable should still be so");
        let (weight, grad) = (floats(step.weight), floats(step.grad));
        let mut moment_1 = floats(step.state.moment_1);
        let mut moment_2 = floats(step.state.moment_2);
        let mut score = floats(step.state.score);
        let counted = counts.is_some();
        seven(
            &step.rule,
            Seven {
                moment_1: moment_1.slice_mut(),
                moment_2: moment_2.slice_mut(),
                score: score.slice_mut(),
                weight: weight.slice(),
                grad: grad.slice(),
                pruned: pruned.as_ref().map(Buffer::slice),
            },
            counts,
        );
        Ok(Updated {
            state: SevenTensors {
                moment_1: H::from_floats(moment_1),
                moment_2: H::from_floats(moment_2),
                score: H::from_floats(score),
            },
            counted,
        })
    }

    fn count(&self, candidates: &[Candidates<'_>], digit: Digit, counts: &mut Histogram) {
        let read: Option<Vec<_>> = candidates.iter().map(Self::read).collect();
        let Some(read) = read else {
            fell_back(H::NAME, "counting scores");
            for one in candidates {
                portable::count(one, digit, counts);
            }
            return;
        };
        let slices: Vec<_> = read
            .iter()
            .map(|(read, pruned)| (read.scored(), pruned.slice()))
            .collect();
        count(&slices, digit, counts);
    }

    fn zero(&self, values: Tensor<1>, pruned: &Tensor<1, Bool>) -> Tensor<1> {
        let usable = H::holds(&values.device()) && H::floats(values.clone()).is_some();
        let flags = match usable && H::holds(&pruned.device()) {
            true => H::flags(pruned.clone()),
            false => None,
        };
        let Some(flags) = flags else {
            return values.mask_fill(pruned.clone(), 0.0);
        };
        let mut floats = H::floats(values).expect("floats that were usable should still be so");
        zero(floats.slice_mut(), flags.slice());
        H::from_floats(floats)
    }

    fn pack(&self, weight: &Tensor<2>) -> Option<PackedWeight> {
        host_sparse::pack::<H>(weight)
    }

    fn write(&self, rewrites: Vec<Rewrite<'_>>, threshold: Threshold) -> Written {
        Written::one_by_one(rewrites, threshold, |rewrite, threshold| {
            Self::write_one(rewrite, threshold).unwrap_or_else(|rewrite| {
                fell_back(H::NAME, "writing masks");
                portable::write(*rewrite, threshold)
            })
        })
    }
}
