//! A scorer of one's own, from outside the crates: one rule, one line to use it.
//!
//! The rule is the mean squared gradient, the diagonal of the empirical Fisher information, times
//! the squared weight: how much the loss would rise, to second order, if the weight were removed
//! (optimal brain damage, with the Fisher diagonal for the Hessian's).

use burn::module::Module;
use burn::nn::{Linear, LinearConfig, Relu};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use burn_seven::{
    CubicSchedule, Error, ModuleScorer, PrunerConfig, Sample, Score, Scorer, Sparsity,
};

/// `S <- S + (w · g)²`.
#[derive(Clone, Debug)]
struct Fisher;

impl Scorer for Fisher {
    type State = Score;

    fn name(&self) -> &'static str {
        "fisher"
    }

    fn update(&self, state: Option<Score>, sample: &Sample<'_>) -> Score {
        let fisher = (sample.weight() * sample.grad()).square();
        Score::from(state.map_or(fisher.clone(), |state| state.value + fisher))
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone()
    }
}

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    activation: Relu,
    second: Linear,
}

fn train(device: &Device) -> Result<(), Error> {
    device.seed(0);
    let mut model = Net {
        first: LinearConfig::new(16, 32).init(device),
        activation: Relu::new(),
        second: LinearConfig::new(32, 1).init(device),
    };
    let schedule = CubicSchedule::new(50..250, Sparsity::new(0.8)?);
    let mut pruner = PrunerConfig::new(schedule).init(ModuleScorer::from(Fisher), &model)?;
    model = pruner.attach(model)?;

    let mut optim = AdamWConfig::new().init();
    for step in 0..400 {
        // Only the first 4 of 16 inputs matter.
        let inputs = Tensor::<2>::random([64, 16], Distribution::Normal(0.0, 1.0), device);
        let targets = inputs.clone().narrow(1, 0, 4).sum_dim(1);
        let hidden = model.activation.forward(model.first.forward(inputs));
        let loss = (model.second.forward(hidden) - targets).square().mean();
        if step % 100 == 0 {
            println!("step {step}: loss {:.4}", loss.clone().into_scalar::<f32>());
        }
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = pruner.optimize(&mut optim, 0.01, model, grads)?;
    }
    println!("{}", pruner.report(&model));
    let sparse = pruner.finish(model)?;

    let kept = sparse
        .first
        .weight
        .val()
        .not_equal_scalar(0.0)
        .int()
        .sum_dim(1);
    println!(
        "weights kept of each input: {}",
        kept.reshape([16]).into_data()
    );
    Ok(())
}

fn main() -> Result<(), Error> {
    train(&burn_seven::device().autodiff())
}
