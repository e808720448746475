//! How far the pruning is, in Burn's display and logs.

use std::sync::Arc;

use burn_train::metric::{
    Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes, NumericEntry,
    SerializedEntry, format_float,
};

use crate::Pruned;
use crate::monitor::{Figures, Monitor};

/// A number of the pruning, in percent. It is read when Burn asks for it, which is at the item's step
/// or a few later, and an epoch's value is the last one.
#[derive(Clone)]
pub struct PruningMetric {
    name: MetricName,
    description: &'static str,
    figure: fn(Figures) -> f64,
    monitor: Monitor,
    percent: f64,
}

impl PruningMetric {
    /// The share of the selected weights that is pruned: `Sparsity`.
    pub fn sparsity<M>(model: &Pruned<M>) -> Self {
        let description = "The share of the selected weights that is pruned";
        Self::new(model, "Sparsity", description, |figures| figures.sparsity)
    }

    /// The sparsity that the schedule asked for: `Target Sparsity`.
    pub fn target<M>(model: &Pruned<M>) -> Self {
        let description = "The sparsity that the schedule asked for";
        Self::new(model, "Target Sparsity", description, |figures| {
            figures.target
        })
    }

    /// The share of the selected weights whose mask changed when masks were last chosen:
    /// `Mask Change`. It is counted from [`watch_pruning`](crate::WatchPruning::watch_pruning) on.
    pub fn mask_change<M>(model: &Pruned<M>) -> Self {
        let description = "The share of the selected weights whose mask changed last";
        Self::new(model, "Mask Change", description, |figures| figures.changed)
    }

    /// What is kept of the weight of which the least is: `Smallest Layer Density`.
    pub fn smallest_density<M>(model: &Pruned<M>) -> Self {
        let description = "What is kept of the weight of which the least is";
        Self::new(model, "Smallest Layer Density", description, |figures| {
            figures.least_density
        })
    }

    fn new<M>(
        model: &Pruned<M>,
        name: &str,
        description: &'static str,
        figure: fn(Figures) -> f64,
    ) -> Self {
        let monitor = model.monitor.clone();
        let percent = 100.0 * figure(monitor.figures());
        Self {
            name: Arc::new(name.to_string()),
            description,
            figure,
            monitor,
            percent,
        }
    }

    fn entry(&self, entry: NumericEntry) -> SerializedEntry {
        let percent = format_float(self.percent, 2);
        SerializedEntry::new(format!("{percent} %"), entry.serialize())
    }
}

impl Metric for PruningMetric {
    type Input = ();

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn description(&self) -> Option<String> {
        Some(self.description.to_string())
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes {
            unit: Some("%".to_string()),
            higher_is_better: true,
        }
        .into()
    }

    fn update(
        &mut self,
        _item: &(),
        _metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, burn::tensor::TensorReadError> {
        self.percent = 100.0 * (self.figure)(self.monitor.figures());
        Ok(self.entry(NumericEntry::Value(self.percent)))
    }

    fn compute(&mut self) -> Result<SerializedEntry, burn::tensor::TensorReadError> {
        Ok(self.entry(NumericEntry::Final(self.percent)))
    }

    fn clear(&mut self) {}
}

impl Numeric for PruningMetric {
    fn value(&self) -> Option<NumericEntry> {
        Some(NumericEntry::Value(self.percent))
    }

    fn running_value(&self) -> Option<NumericEntry> {
        Some(NumericEntry::Value(self.percent))
    }

    fn final_value(&self) -> NumericEntry {
        NumericEntry::Final(self.percent)
    }
}
