//! The models that can be asked for.

use std::time::Instant;

use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::tensor::{Bool, Device, Int, Tensor};
use burn_seven::sparse;
use burn_seven_examples::bert::{Bert, BertBatch};

use super::case::{Case, Loaded};
use super::cnn::Cnn;
use super::protocol::{Model, Wanted};
use super::tensors::Inputs;
use crate::Error;

/// A model with its weights and inputs, and the seconds that compiling took.
pub fn load(wanted: &Wanted) -> Result<(Box<dyn Case>, f64), Error> {
    let device = Device::flex();
    let inputs = Inputs::read(&wanted.inputs, &device)?;
    let weights = &wanted.weights;
    match &wanted.model {
        &Model::Encoder {
            width,
            inner,
            heads,
            layers,
        } => {
            let config = TransformerEncoderConfig::new(width, inner, heads, layers);
            let model = sparse::load(&config.with_dropout(0.0).init(&device), weights)?;
            let inputs = (inputs.tensor("tokens")?,);
            timed(|| Loaded::new(model, inputs, encode))
        }
        Model::Minilm(config) => {
            config.validate()?;
            let model = sparse::load(&config.init(&device), weights)?;
            let inputs = (
                inputs.tensor("ids")?,
                inputs.tensor("types")?,
                inputs.tensor("mask")?,
            );
            timed(|| Loaded::new(model, inputs, embed))
        }
        &Model::Cnn { channels, classes } => {
            let model = sparse::load(&Cnn::new(channels, classes, &device), weights)?;
            let inputs = (inputs.tensor("pictures")?,);
            timed(|| Loaded::new(model, inputs, classify))
        }
    }
}

fn timed<C: Case + 'static>(
    compile: impl FnOnce() -> Result<C, Error>,
) -> Result<(Box<dyn Case>, f64), Error> {
    let start = Instant::now();
    let case = compile()?;
    Ok((Box::new(case), start.elapsed().as_secs_f64()))
}

fn encode(model: &TransformerEncoder, (tokens,): (Tensor<3>,)) -> (Tensor<3>,) {
    (model.forward(TransformerEncoderInput::new(tokens)),)
}

/// Numbers of tokens, the parts they belong to, and which of them are no padding.
type Texts = (Tensor<2, Int>, Tensor<2, Int>, Tensor<2, Bool>);

fn embed(model: &Bert, (ids, types, mask): Texts) -> (Tensor<3>,) {
    (model.forward(&BertBatch { ids, types, mask }),)
}

fn classify(model: &Cnn, (pictures,): (Tensor<4>,)) -> (Tensor<2>,) {
    (model.forward(pictures),)
}
