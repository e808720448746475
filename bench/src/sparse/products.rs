//! One product of each shape, sparsity and number of rows.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData, module::linear};
use burn_seven::kernels::{self, Activation};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;

use super::contender::{self, Contender, calls};
use super::faer_product as faer;
use super::torch::Torch;
use crate::numbers::Spread;
use crate::{Error, SparseArgs};

/// Shapes of the weights, outputs by inputs: those of BERT-base.
const SHAPES: [[usize; 2]; 3] = [[768, 768], [3072, 768], [768, 3072]];

/// One product.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub threads: usize,
    pub outputs: usize,
    pub inputs: usize,
    pub rows: usize,
    /// Seconds of the dense products in each round, by who made them.
    pub dense: BTreeMap<&'static str, Vec<f64>>,
    /// The share of zeros that was asked for, and the seconds of the sparse product in each round.
    pub sparse: Vec<(f64, Vec<f64>)>,
}

impl Figures {
    /// How many times faster a sparse product is than the fastest dense one of the same round, of
    /// those that are to be `counted`: the median.
    pub fn faster(&self, sparse: &[f64], counted: impl Fn(&str) -> bool) -> f64 {
        let ratios = sparse.iter().enumerate().map(|(round, seconds)| {
            let dense = self.dense.iter().filter(|(name, _)| counted(name));
            let dense = dense.filter_map(|(_, rounds)| rounds.get(round).copied());
            dense.fold(f64::INFINITY, f64::min) / seconds
        });
        Spread::of(ratios).median
    }

    fn dense_flops(&self) -> f64 {
        2.0 * (self.outputs * self.inputs * self.rows) as f64
    }
}

fn median(rounds: &[f64]) -> f64 {
    Spread::of(rounds.iter().copied()).median
}

/// Values in -1..1, a share of them exactly 0.
fn values(count: usize, sparsity: f64, rng: &mut StdRng) -> Vec<f32> {
    let value = |_| match rng.random_bool(sparsity) {
        true => 0.0,
        false => rng.random_range(-1.0..1.0),
    };
    (0..count).map(value).collect()
}

/// A weight in -1..1, of whose blocks a share is exactly 0.
fn weight(
    [inputs, outputs]: [usize; 2],
    [high, wide]: [usize; 2],
    sparsity: f64,
    rng: &mut StdRng,
) -> Vec<f32> {
    let mut weight = values(inputs * outputs, 0.0, rng);
    let across = outputs.div_ceil(wide);
    let kept = values(inputs.div_ceil(high) * across, sparsity, rng);
    for (place, value) in weight.iter_mut().enumerate() {
        let block = place / outputs / high * across + place % outputs / wide;
        if kept[block] == 0.0 {
            *value = 0.0;
        }
    }
    weight
}

pub fn run(
    args: &SparseArgs,
    device: &Device,
    threads: usize,
    mut torch: Option<Torch>,
) -> Result<Vec<Figures>, Error> {
    let mut all = Vec::new();
    let mut rng = StdRng::seed_from_u64(0);
    println!();
    println!(
        "{threads} thread{}: dense, then sparse: microseconds, GFLOP/s of the non-zeros, times faster than the fastest dense",
        if threads == 1 { "" } else { "s" }
    );
    for [outputs, inputs] in SHAPES {
        for &rows in &args.rows {
            let shape = [rows, inputs, outputs];
            let mut names = Vec::new();
            let mut contenders = Vec::new();
            for (name, contender) in dense(shape, &mut rng) {
                names.push(name);
                contenders.push(contender);
            }
            if let Some(torch) = &mut torch {
                names.push("torch");
                let time = |milliseconds| torch.seconds(shape, threads, milliseconds);
                contenders.push(Box::new(time) as Contender<'_>);
            }
            for &sparsity in &args.sparsities {
                let weight = weight([inputs, outputs], args.block, sparsity, &mut rng);
                contenders.push(sparse(shape, weight, device, &mut rng)?);
            }
            let times = contender::rounds(&mut contenders, args.milliseconds)?;
            drop(contenders);
            let (dense, sparse) = times.split_at(names.len());
            let sparsities = args.sparsities.iter().copied();
            let figures = Figures {
                threads,
                outputs,
                inputs,
                rows,
                dense: names.into_iter().zip(dense.iter().cloned()).collect(),
                sparse: sparsities.zip(sparse.iter().cloned()).collect(),
            };
            let flops = figures.dense_flops();
            let rates = figures.dense.iter().map(|(name, rounds)| {
                let seconds = median(rounds);
                format!(
                    "{name} {:.0} us {:.0} GFLOP/s",
                    seconds * 1e6,
                    flops / seconds / 1e9
                )
            });
            let rates: Vec<String> = rates.collect();
            println!("{outputs}x{inputs}, {rows} rows: {}", rates.join(", "));
            for (sparsity, rounds) in &figures.sparse {
                let seconds = median(rounds);
                let rate = flops * (1.0 - sparsity) / seconds / 1e9;
                println!(
                    "    {:4.0} %  {:9.1} us  {rate:6.1} GFLOP/s  {:6.2} x",
                    sparsity * 100.0,
                    seconds * 1e6,
                    figures.faster(rounds, |_| true)
                );
            }
            all.push(figures);
        }
    }
    Ok(all)
}

/// The dense products of Burn's backends on the CPU and of the `faer` crate.
fn dense(shape: [usize; 3], rng: &mut StdRng) -> Vec<(&'static str, Contender<'static>)> {
    let [rows, inputs, outputs] = shape;
    let input = values(rows * inputs, 0.0, rng);
    let weight = values(inputs * outputs, 0.0, rng);
    let backends = [
        ("ndarray", burn_seven_ndarray::device()),
        ("flex", burn_seven_flex::device()),
    ];
    let burn = backends.map(|(name, device)| {
        let tensor = |values: &[f32], shape: [usize; 2]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &device)
        };
        let input = tensor(&input, [rows, inputs]);
        let weight = tensor(&weight, [inputs, outputs]);
        let bias = Tensor::<1>::ones([outputs], &device);
        let product = move || drop(linear(input.clone(), weight.clone(), Some(bias.clone())));
        (name, calls(product))
    });
    let mut output = vec![0.0; rows * outputs];
    let faer = calls(move || faer::multiply(&input, &weight, &mut output, shape));
    burn.into_iter().chain([("faer", faer)]).collect()
}

/// The product that a packed layer makes, tensors in and out.
fn sparse(
    [rows, inputs, outputs]: [usize; 3],
    weight: Vec<f32>,
    device: &Device,
    rng: &mut StdRng,
) -> Result<Contender<'static>, Error> {
    let weight = TensorData::new(weight, [inputs, outputs]);
    let input = TensorData::new(values(rows * inputs, 0.0, rng), [rows, inputs]);
    let packed = kernels::at(device).pack(&Tensor::from_data(weight, device));
    let packed = packed.ok_or(Error::NoSparse)?;
    let input = Tensor::<2>::from_data(input, device);
    let bias = Tensor::<1>::ones([outputs], device);
    let product = move || packed.linear(input.clone(), Some(bias.clone()), Activation::None);
    if product().is_none() {
        return Err(Error::NoSparse);
    }
    Ok(calls(move || drop(product())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_zero_altogether_or_not_at_all() {
        let mut rng = StdRng::seed_from_u64(1);
        let weight = weight([7, 6], [2, 4], 0.5, &mut rng);
        let block = |top: usize, left: usize| {
            let places = (top..7.min(top + 2))
                .flat_map(|row| (left..6.min(left + 4)).map(move |column| (row, column)));
            let zeros = places
                .clone()
                .filter(|(row, column)| weight[row * 6 + column] == 0.0);
            (zeros.count(), places.count())
        };
        let blocks = [0, 2, 4, 6]
            .into_iter()
            .flat_map(|top| [(top, 0), (top, 4)]);
        let counts: Vec<_> = blocks.map(|(top, left)| block(top, left)).collect();
        assert!(
            counts
                .iter()
                .all(|&(zeros, all)| zeros == 0 || zeros == all)
        );
        assert!(counts.iter().any(|(zeros, _)| *zeros == 0));
        assert!(counts.iter().any(|(zeros, _)| *zeros > 0));
    }

    // In three rounds the fastest of both takes 4, 6 and 1 times as long, without "b" 8, 6 and 2 times.
    #[test]
    fn ratios_are_of_the_same_round() {
        let figures = Figures {
            threads: 1,
            outputs: 1,
            inputs: 1,
            rows: 1,
            dense: [("a", vec![8.0, 12.0, 6.0]), ("b", vec![4.0, 20.0, 3.0])].into(),
            sparse: vec![(0.5, vec![1.0, 2.0, 3.0])],
        };
        let sparse = &figures.sparse[0].1;
        assert_eq!(figures.faster(sparse, |_| true), 4.0);
        assert_eq!(figures.faster(sparse, |name| name != "b"), 6.0);
    }
}
