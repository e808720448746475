//! What the tests share: cases, and tensors of libtorch.
#![allow(dead_code)] // each test uses its part
#![allow(deprecated)] // libtorch is, in Burn

use burn::backend::LibTorch;
use burn::tensor::{Bool, Device, Tensor, TensorData};
use burn_seven_kernels::{Candidates, Rewrite};

/// Sizes with and without a rest, and of more than one piece.
pub const SIZES: [usize; 7] = [1, 7, 64, 1000, 4097, 100_003, 300_007];

/// Plain numbers from a seed.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In -1 to 1.
    pub fn float(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn flag(&mut self) -> bool {
        self.bits() & 1 == 1
    }

    pub fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }

    pub fn flags(&mut self, count: usize) -> Vec<bool> {
        (0..count).map(|_| self.flag()).collect()
    }
}

/// libtorch's CPU, with one thread, so that the largest size is more than one piece.
pub fn device() -> Device {
    tch::set_num_threads(1);
    burn_seven_tch::device()
}

pub fn floats(values: &[f32]) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device())
}

pub fn flags(values: &[bool]) -> Tensor<1, Bool> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device())
}

pub fn to_floats(tensor: &Tensor<1>) -> Vec<f32> {
    tensor
        .clone()
        .into_data()
        .try_to_vec()
        .expect("values of this type")
}

pub fn to_flags(tensor: &Tensor<1, Bool>) -> Vec<bool> {
    tensor
        .clone()
        .into_data()
        .try_to_vec()
        .expect("values of this type")
}

/// Where the values lie.
pub fn address(tensor: &Tensor<1>) -> usize {
    let primitive = tensor
        .clone()
        .try_into_primitive::<LibTorch>()
        .expect("a tensor of libtorch");
    primitive.tensor.data_ptr() as usize
}

/// Where the flags lie.
pub fn address_of_flags(tensor: &Tensor<1, Bool>) -> usize {
    let primitive = tensor
        .clone()
        .try_into_primitive::<LibTorch>()
        .expect("a tensor of libtorch");
    primitive.tensor.data_ptr() as usize
}

/// One tensor's scores and masks, on the host and on the device.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub scores: Vec<f32>,
    pub pruned: Vec<bool>,
    pub regrows: bool,
    pub reserved: Option<Vec<bool>>,
    pub tensor: Tensor<1>,
    pub mask: Tensor<1, Bool>,
    pub reserved_mask: Option<Tensor<1, Bool>>,
}

impl Case {
    pub fn new(
        name: &str,
        scores: Vec<f32>,
        pruned: Vec<bool>,
        regrows: bool,
        reserved: Option<Vec<bool>>,
    ) -> Self {
        Self {
            name: format!(
                "{name}, {} entries, regrows {regrows}, reserved {}",
                scores.len(),
                reserved.is_some()
            ),
            tensor: floats(&scores),
            mask: flags(&pruned),
            reserved_mask: reserved.as_deref().map(flags),
            scores,
            pruned,
            regrows,
            reserved,
        }
    }

    pub fn candidates(&self) -> Candidates<'_> {
        Candidates {
            scores: &self.tensor,
            pruned: &self.mask,
            regrows: self.regrows,
            reserved: self.reserved_mask.as_ref(),
        }
    }

    /// Over a mask of its own.
    pub fn rewrite(&self) -> Rewrite<'_> {
        Rewrite {
            scores: &self.tensor,
            pruned: flags(&self.pruned),
            regrows: self.regrows,
            reserved: self.reserved_mask.as_ref(),
        }
    }
}

/// Scores of every kind that are numbers.
pub fn scores(random: &mut Random, count: usize) -> Vec<(&'static str, Vec<f32>)> {
    let values = random.floats(count);
    let map = |change: &dyn Fn(f32) -> f32| values.iter().map(|&value| change(value)).collect();
    vec![
        ("random", values.clone()),
        ("positive", map(&f32::abs)),
        ("all equal", vec![0.25; count]),
        ("zeros", map(&|value| if value < 0.0 { -0.0 } else { 0.0 })),
        ("few values", map(&|value| (value * 2.0).round() * 0.5)),
        ("denormal", map(&|value| value * 1e-40)),
        (
            "far apart",
            map(&|value| value.powi(31) / value.abs().max(1e-30) * 1e30),
        ),
        (
            "infinite",
            map(&|value| {
                if value.abs() > 0.8 {
                    f32::INFINITY.copysign(value)
                } else {
                    value
                }
            }),
        ),
    ]
}

/// Every kind of scores, size, and way to be a candidate.
pub fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for count in SIZES {
        for (name, scores) in scores(&mut random, count) {
            for (regrows, reserve) in [(false, false), (false, true), (true, false), (true, true)] {
                let pruned = random.flags(count);
                // A mask reserves none of what is gone for good.
                let reserved = reserve.then(|| {
                    let wanted = random.flags(count).into_iter().zip(&pruned);
                    wanted
                        .map(|(wanted, pruned)| wanted && (regrows || !pruned))
                        .collect()
                });
                cases.push(Case::new(name, scores.clone(), pruned, regrows, reserved));
            }
        }
    }
    cases
}
