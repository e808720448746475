//! A model that is being pruned, layer by layer.

use std::time::Instant;

use burn::backend::flex::FlexTensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};
use burn_seven_compile::internals::{Stepper, Value, capture};
use burn_seven_compile::{CompileError, Tensors};
use burn_seven_core::Sparsity;
use burn_seven_core::budget::Part;
use burn_seven_core::internals::{Change, Visit, change, rewrite, visit};

use crate::layers::{Kind, Layer, called, chain, layers};
use crate::moments::Moments;
use crate::solve::{Columns, solve};
use crate::unfold::patches;
use crate::{After, AfterError, AfterReport, LayerReport};

/// A model that is being pruned, layer by layer in the order of its forward pass.
///
/// It holds what the calibration inputs have become at the next layer (for an encoder the activations
/// of one layer of all inputs at once), and the second moments of one layer's inputs: `8 · in²` bytes, a few
/// times over while it is solved.
pub struct Run<M> {
    after: After,
    model: M,
    steppers: Vec<Stepper>,
    /// The layers as each input's forward pass has them.
    layers: Vec<Vec<Layer>>,
    sparsities: Vec<Sparsity>,
    done: usize,
    report: AfterReport,
}

impl<M: Module> Run<M> {
    pub(crate) fn new<I: Tensors, O: Tensors>(
        after: &After,
        model: &M,
        calibration: &[I],
        forward: &impl Fn(&M, I) -> O,
    ) -> Result<Self, AfterError> {
        if calibration.is_empty() {
            return Err(AfterError::OutOfRange {
                parameter: "number of calibration inputs",
                expected: "at least 1".to_string(),
                found: "0".to_string(),
            });
        }
        let mut seen = Seen::default();
        visit(model, &mut seen);
        if let Some(path) = seen.reparameterized {
            return Err(AfterError::Reparameterized { path });
        }
        let device = Device::flex();
        let here = model.valid().to_device(&device);
        let (mut steppers, mut all) = (Vec::new(), Vec::new());
        let mut skipped = Vec::new();
        for (batch, inputs) in calibration.iter().enumerate() {
            let inputs = inputs.on(&device);
            let (captured, _) = capture(&here, &inputs, forward)?;
            let (mut found, mut left) = layers(&captured);
            // A weight that has two paths is in the forward pass under both.
            found.retain(|layer| {
                let shared = seen.is_shared(&layer.path);
                if shared {
                    left.push((layer.path.clone(), "its weight is shared".to_string()));
                }
                !shared
            });
            let first: &[Layer] = all.first().map_or(&found, |first: &Vec<Layer>| first);
            for layer in 0..first.len().max(found.len()) {
                let (one, other) = (first.get(layer), found.get(layer));
                if one.map(|layer| &layer.path) != other.map(|layer| &layer.path) {
                    let expected = steppers.first().map(Stepper::captured).unwrap_or(&captured);
                    return Err(AfterError::AnotherWay {
                        batch,
                        layer,
                        expected: called(expected, one),
                        found: called(&captured, other),
                    });
                }
            }
            if batch == 0 {
                skipped = left;
            }
            all.push(found);
            steppers.push(Stepper::new(captured, inputs)?);
        }
        let report = AfterReport {
            layers: Vec::new(),
            skipped,
        };
        let mut run = Self {
            after: after.clone(),
            model: model.clone(),
            steppers,
            layers: all,
            sparsities: Vec::new(),
            done: 0,
            report,
        };
        run.sparsities = run.sparsities_of(after)?;
        if after.done > run.total() {
            return Err(AfterError::OutOfRange {
                parameter: "done",
                expected: format!("at most the {} layers that there are", run.total()),
                found: after.done.to_string(),
            });
        }
        run.done = after.done;
        Ok(run)
    }

    fn sparsities_of(&self, after: &After) -> Result<Vec<Sparsity>, AfterError> {
        let layers = &self.layers[0];
        if layers.is_empty() {
            let reasons = self.report.skipped.iter();
            let reasons: Vec<String> = reasons
                .map(|(path, why)| format!("{path}: {why}"))
                .collect();
            return Err(AfterError::NothingToPrune {
                reasons: match reasons.is_empty() {
                    true => "its forward pass has no linear layer and no convolution".to_string(),
                    false => reasons.join("; "),
                },
            });
        }
        let unknown = |path: &&String| !layers.iter().any(|layer| layer.path == **path);
        if let Some(path) = after.layers.keys().find(unknown) {
            let paths: Vec<&str> = layers.iter().map(|layer| layer.path.as_str()).collect();
            return Err(AfterError::NoLayer {
                path: path.clone(),
                layers: paths.join(", "),
            });
        }
        let shapes: Vec<Vec<usize>> = layers
            .iter()
            .map(|layer| layer.value.shape().to_vec())
            .collect();
        let mut parts = Vec::new();
        for (layer, shape) in layers.iter().zip(&shapes) {
            parts.push(Part {
                paths: vec![layer.path.as_str()],
                shapes: vec![shape.as_slice()],
                fixed: false,
                candidates: shape.iter().product(),
            });
        }
        after.budget.check(&parts)?;
        let mut sparsities = vec![Sparsity::DENSE; layers.len()];
        for pool in after.budget.allocate(after.sparsity.into(), &parts) {
            let &[layer] = pool.parts.as_slice() else {
                return Err(AfterError::OutOfRange {
                    parameter: "budget",
                    expected: "one that gives each layer a count".to_string(),
                    found: after.budget.name(),
                });
            };
            // A layer without weights would be a model without outputs.
            sparsities[layer] = Sparsity::of_counts(pool.keep.max(1), parts[layer].count())?;
        }
        for (layer, sparsity) in layers.iter().zip(&mut sparsities) {
            if let Some(own) = after.layers.get(&layer.path) {
                *sparsity = *own;
            }
        }
        Ok(sparsities)
    }

    /// How many layers there are to prune.
    pub fn total(&self) -> usize {
        self.layers[0].len()
    }

    /// How many of them are done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// The model as it is so far, in its own shapes.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// What was done so far.
    pub fn report(&self) -> &AfterReport {
        &self.report
    }

    /// The model and what was done to it.
    pub fn finish(self) -> (M, AfterReport) {
        (self.model, self.report)
    }

    /// Prunes the next layer; none is left once it gives none.
    ///
    /// # Errors
    ///
    /// [`AfterError::Capture`] where an operation fails; [`AfterError::NonFinite`];
    /// [`AfterError::NotPositive`]. The model stays as it was before this layer.
    pub fn next_layer(&mut self) -> Result<Option<&LayerReport>, AfterError> {
        if self.done == self.total() {
            return Ok(None);
        }
        let start = Instant::now();
        let layer = self.layers[0][self.done].clone();
        let sparsity = self.sparsities[self.done];
        let matrix @ [inputs, outputs] = layer.matrix();
        let mut moments = Moments::new(inputs);
        for (stepper, layers) in self.steppers.iter_mut().zip(&self.layers) {
            let layer = &layers[self.done];
            while stepper.next().is_some_and(|place| place < layer.place) {
                stepper.step()?;
            }
            let value = stepper.value(layer.input).ok_or_else(|| {
                AfterError::Capture(CompileError::Operation {
                    operation: called(stepper.captured(), Some(layer)),
                    message: "its input is not known".to_string(),
                })
            })?;
            moments.add(&rows(value, layer));
        }
        let refused = |what| AfterError::NonFinite {
            path: layer.path.clone(),
            what,
        };
        if !moments.is_finite() {
            return Err(refused("an input"));
        }
        let floats: Vec<f32> = layer.value.0.clone().into_data().iter::<f32>().collect();
        if !floats.iter().all(|entry| entry.is_finite()) {
            return Err(refused("the weight"));
        }
        let place = |input, output| layer.kind.at(matrix, input, output);
        let column = |output: usize| -> Vec<f64> {
            (0..inputs)
                .map(|input| f64::from(floats[place(input, output)]))
                .collect()
        };
        let columns: Columns = (0..outputs).map(column).collect();
        let solved = solve(&self.after, sparsity, &columns, &moments, &layer.path)?;
        let mut new = vec![0.0_f32; floats.len()];
        let mut lost = columns.clone();
        for (output, column) in solved.columns.iter().enumerate() {
            for (input, &entry) in column.iter().enumerate() {
                new[place(input, output)] = entry as f32;
                lost[output][input] -= entry;
            }
        }
        let kept = solved.kept.iter().flatten().filter(|kept| **kept).count();
        let all = moments.square(&columns);
        let error = match all > 0.0 {
            true => (moments.square(&lost) / all).sqrt(),
            false => 0.0,
        };
        let value = TensorData::new(new.clone(), layer.value.shape().clone());
        let dtype = layer.value.dtype();
        let value = Value(FlexTensor::from_data(value.convert_dtype(dtype)));
        for (stepper, layers) in self.steppers.iter_mut().zip(&self.layers) {
            put(stepper, &layers[self.done], &value)?;
        }
        let mut write = Write {
            path: layer.path.clone(),
            floats: new,
        };
        self.model = change(self.model.clone(), &mut write);
        self.done += 1;
        self.report.layers.push(LayerReport {
            path: layer.path,
            shape: matrix,
            kept,
            error,
            damping: solved.damping,
            samples: moments.samples,
            time: start.elapsed(),
        });
        Ok(self.report.layers.last())
    }
}

/// A layer's inputs, one sample after the other.
fn rows(value: &Value, layer: &Layer) -> Vec<f32> {
    let floats: Vec<f32> = value.0.clone().into_data().iter::<f32>().collect();
    let (images, weight) = (value.shape().as_slice(), layer.value.shape().as_slice());
    match (&layer.kind, images, weight) {
        (Kind::Convolution(options), &[batch, channels, height, width], &[_, _, down, across]) => {
            patches(
                &floats,
                [batch, channels, height, width],
                [down, across],
                options,
            )
        }
        _ => floats,
    }
}

/// Puts a new weight in the place of a layer's, and of its views that are made already.
fn put(stepper: &mut Stepper, layer: &Layer, value: &Value) -> Result<(), AfterError> {
    let chain = chain(stepper.captured(), layer);
    stepper.set(layer.weight, value.clone());
    for place in chain {
        stepper.again(place)?;
    }
    Ok(())
}

struct Write {
    path: String,
    floats: Vec<f32>,
}

impl Change for Write {
    fn weight<const D: usize>(&mut self, path: &str, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if path != self.path {
            return param;
        }
        rewrite(param, |old| {
            let data = TensorData::new(std::mem::take(&mut self.floats), old.shape());
            Tensor::from_data(data, (&old.device(), old.dtype()))
        })
    }
}

/// The parameters of a model.
#[derive(Default)]
struct Seen {
    paths: Vec<(String, ParamId)>,
    reparameterized: Option<String>,
}

impl Seen {
    fn is_shared(&self, path: &str) -> bool {
        let id = self
            .paths
            .iter()
            .find(|(own, _)| own == path)
            .map(|(_, id)| *id);
        self.paths
            .iter()
            .filter(|(_, other)| Some(*other) == id)
            .count()
            > 1
    }
}

impl Visit for Seen {
    fn weight<const D: usize>(&mut self, path: &str, _: Option<&str>, param: &Param<Tensor<D>>) {
        self.paths.push((path.to_string(), param.id));
    }

    fn reparameterization(&mut self, _: &str) {
        if let Some((path, _)) = self.paths.last() {
            self.reparameterized.get_or_insert(path.clone());
        }
    }
}
