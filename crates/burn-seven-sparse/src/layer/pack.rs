//! Packing a model.

use std::collections::HashMap;

use burn::module::Module;
use burn::tensor::DType;
use burn_seven_core::{Sparsity, kernels};

use super::attach::attach;
use super::find::{Layer, layers};
use super::form::Form;
use super::measure::{ROWS, speedups};
use super::report::{Choice, LayerReport, PackReport};
use crate::SparseError;

/// Which layers get a packed form, and when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum PackRule {
    /// Where it is faster: each layer's dense and packed product are timed for each of
    /// [`ROWS`](super::ROWS), and the faster one is used for about as many rows. Which that is may
    /// differ from run to run where the two are close, and with it the last bits of the output.
    #[default]
    Measured,
    /// Layers of at least this sparsity, for any number of rows; nothing is timed.
    AtLeast(Sparsity),
    /// All layers, for any number of rows.
    Always,
}

/// Configuration of [`pack`].
#[derive(Debug, Clone, Copy, Default)]
pub struct PackConfig {
    rule: PackRule,
}

/// Packs the [`SparseLinear`](super::SparseLinear) layers of a model where that is faster.
///
/// See [`PackConfig::pack`].
///
/// # Errors
///
/// As that.
pub fn pack<M: Module>(model: &M) -> Result<(M, PackReport), SparseError> {
    PackConfig::new().pack(model)
}

impl PackConfig {
    /// Packs where it is faster.
    pub fn new() -> Self {
        Self::default()
    }

    /// Packs by another rule. Default: [`PackRule::Measured`]
    #[must_use]
    pub fn with_rule(mut self, rule: PackRule) -> Self {
        self.rule = rule;
        self
    }

    /// The model in its inference state ([`Module::valid`]), with packed forms on the weights of
    /// its [`SparseLinear`](super::SparseLinear) layers that are float32 and on a device whose
    /// backend multiplies sparse, ndarray or flex; what stays dense, and why, is in the report.
    ///
    /// The new model does not hold a packed weight's dense values until something reads them, such
    /// as saving, or a dense product where that is faster; then it keeps them. `model` has its own:
    /// drop it to have their memory back. `Module::train` and `Module::materialize` take the packed
    /// forms away.
    ///
    /// # Errors
    ///
    /// [`SparseError::Reparameterized`] where a layer carries a pruning mask or an adapter;
    /// [`NothingToPack`](SparseError::NothingToPack) for a model without a
    /// [`SparseLinear`](super::SparseLinear) layer.
    pub fn pack<M: Module>(&self, model: &M) -> Result<(M, PackReport), SparseError> {
        let model = model.valid();
        let layers = layers(&model)?;
        let mut forms = HashMap::new();
        let mut reports = Vec::new();
        for layer in layers {
            let (form, report) = self.layer(&layer);
            if let Some(form) = form {
                forms.insert(layer.path, form);
            }
            reports.push(report);
        }
        Ok((attach(model, forms), PackReport { layers: reports }))
    }

    fn layer(&self, layer: &Layer) -> (Option<Form>, LayerReport) {
        let weight = &layer.weight;
        let device = weight.device();
        let [inputs, outputs] = weight.dims();
        let mut report = LayerReport {
            path: layer.path.clone(),
            shape: [inputs, outputs],
            sparsity: None,
            dense_bytes: inputs * outputs * weight.dtype().size(),
            packed_bytes: None,
            speedups: None,
            choice: Choice::NoKernel,
        };
        if weight.dtype() != DType::F32 {
            report.choice = Choice::NotFloat32;
            return (None, report);
        }
        let Some(packed) = kernels::at(&device).pack(weight) else {
            return (None, report);
        };
        let entries = (inputs * outputs).max(1);
        let sparsity = 1.0 - packed.nonzeros() as f64 / entries as f64;
        report.sparsity = Some(sparsity);
        report.packed_bytes = Some(packed.bytes());
        let faster = match self.rule {
            PackRule::Always => [true; ROWS.len()],
            PackRule::AtLeast(least) => [sparsity >= least.value(); ROWS.len()],
            PackRule::Measured => {
                let speedups = speedups(weight, &packed);
                report.speedups = Some(speedups);
                speedups.map(|speedup| speedup > 1.0)
            }
        };
        if !faster.contains(&true) {
            report.choice = Choice::Dense;
            return (None, report);
        }
        report.choice = Choice::Packed;
        let form = Form {
            weight: packed,
            device,
            faster,
        };
        (Some(form), report)
    }
}
