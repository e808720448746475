//! A model with inputs, which runs either way.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use burn_seven::sparse::{Compiled, Tensors, compile};

use super::protocol::Way;
use crate::Error;

/// The forward pass of a model.
type Forward<M, I, const D: usize> = fn(&M, I) -> (Tensor<D>,);

/// Any of the models.
pub trait Case {
    /// How long one run takes.
    fn seconds(&self, way: Way) -> Result<f64, Error>;
    fn output(&self, way: Way) -> Result<TensorData, Error>;
    /// What was compiled.
    fn report(&self) -> Result<String, Error>;
}

/// A model of one kind.
pub struct Loaded<M, I, const D: usize> {
    model: M,
    inputs: I,
    forward: Forward<M, I, D>,
    fast: Compiled<I, (Tensor<D>,)>,
}

impl<M: Module + Send + Sync + 'static, I: Tensors, const D: usize> Loaded<M, I, D> {
    pub fn new(model: M, inputs: I, forward: Forward<M, I, D>) -> Result<Self, Error> {
        let fast = compile(&model, inputs.clone(), forward)?;
        Ok(Self {
            model,
            inputs,
            forward,
            fast,
        })
    }

    fn run(&self, way: Way) -> Result<Tensor<D>, Error> {
        let inputs = self.inputs.clone();
        let (output,) = match way {
            Way::Eager => (self.forward)(&self.model, inputs),
            Way::Compiled => self.fast.run(inputs)?,
        };
        Ok(output)
    }
}

impl<M: Module + Send + Sync + 'static, I: Tensors, const D: usize> Case for Loaded<M, I, D> {
    fn seconds(&self, way: Way) -> Result<f64, Error> {
        let start = Instant::now();
        let output = self.run(way)?;
        drop(output.device().sync()); // one that fails shows in the next read
        drop(output);
        Ok(start.elapsed().as_secs_f64())
    }

    fn output(&self, way: Way) -> Result<TensorData, Error> {
        Ok(self.run(way)?.into_data())
    }

    fn report(&self) -> Result<String, Error> {
        Ok(self.fast.report()?.to_string())
    }
}
