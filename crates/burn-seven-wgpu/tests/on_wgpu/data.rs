//! Tensors to try.

use burn::tensor::{Bool, Tensor, TensorData};
use burn_seven_wgpu::device;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

/// Lengths that divide by nothing, by the lanes, and over many cubes.
pub const LENGTHS: [usize; 7] = [0, 1, 7, 64, 1000, 4097, 100_003];

/// A generator of its own for each test.
pub fn generator(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// What scores look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// Of all magnitudes and both signs.
    Spread,
    /// All the same.
    Equal,
    /// Zeros of both signs.
    Zeros,
    /// Too small for a device that flushes denormals.
    Denormal,
    /// Of a few values, so that there are ties.
    Few,
    /// With NaN and infinite values among them.
    Odd,
}

impl Scores {
    pub const ALL: [Self; 6] = [
        Self::Spread,
        Self::Equal,
        Self::Zeros,
        Self::Denormal,
        Self::Few,
        Self::Odd,
    ];

    pub fn draw(self, length: usize, rng: &mut StdRng) -> Vec<f32> {
        (0..length).map(|_| self.one(rng)).collect()
    }

    fn one(self, rng: &mut StdRng) -> f32 {
        let sign = if rng.random::<bool>() { 1.0 } else { -1.0 };
        match self {
            Self::Spread => sign * rng.random::<f32>() * 10f32.powi(rng.random_range(-20..20)),
            Self::Equal => 0.75,
            Self::Zeros => sign * 0.0,
            Self::Denormal => sign * f32::from_bits(rng.next_u32() & 0x007f_ffff),
            Self::Few => sign * rng.random_range(0..3) as f32,
            Self::Odd => match rng.random_range(0..10) {
                0 => f32::NAN,
                1 => -f32::NAN,
                2 => f32::INFINITY,
                3 => f32::NEG_INFINITY,
                _ => sign * rng.random::<f32>(),
            },
        }
    }
}

/// Flags of which one in `every` is set.
pub fn flags(length: usize, every: u32, rng: &mut StdRng) -> Vec<bool> {
    (0..length)
        .map(|_| rng.random_range(0..every) == 0)
        .collect()
}

pub fn floats(values: &[f32]) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device())
}

pub fn bools(values: &[bool]) -> Tensor<1, Bool> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device())
}

pub fn read_floats(tensor: &Tensor<1>) -> Vec<f32> {
    tensor.clone().into_data().iter::<f32>().collect()
}

pub fn read_bools(tensor: &Tensor<1, Bool>) -> Vec<bool> {
    tensor.clone().into_data().iter::<bool>().collect()
}

/// One tensor's candidates on the host.
#[derive(Debug, Clone)]
pub struct Host {
    pub scores: Vec<f32>,
    pub pruned: Vec<bool>,
    pub regrows: bool,
    pub reserved: Option<Vec<bool>>,
}

impl Host {
    pub fn draw(
        scores: Scores,
        length: usize,
        regrows: bool,
        with_reserved: bool,
        rng: &mut StdRng,
    ) -> Self {
        Self {
            scores: scores.draw(length, rng),
            pruned: flags(length, 3, rng),
            regrows,
            reserved: with_reserved.then(|| flags(length, 5, rng)),
        }
    }

    pub fn upload(&self) -> Loaded {
        Loaded {
            scores: floats(&self.scores),
            pruned: bools(&self.pruned),
            regrows: self.regrows,
            reserved: self.reserved.as_deref().map(bools),
        }
    }
}

/// The same on the device.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub scores: Tensor<1>,
    pub pruned: Tensor<1, Bool>,
    pub regrows: bool,
    pub reserved: Option<Tensor<1, Bool>>,
}

impl Loaded {
    pub fn candidates(&self) -> burn_seven_kernels::Candidates<'_> {
        burn_seven_kernels::Candidates {
            scores: &self.scores,
            pruned: &self.pruned,
            regrows: self.regrows,
            reserved: self.reserved.as_ref(),
        }
    }

    /// With a handle of the mask kept here.
    pub fn rewrite(&self) -> burn_seven_kernels::Rewrite<'_> {
        burn_seven_kernels::Rewrite {
            scores: &self.scores,
            pruned: self.pruned.clone(),
            regrows: self.regrows,
            reserved: self.reserved.as_ref(),
        }
    }
}
