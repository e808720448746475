//! Sentences and pairs of them: a pretrained BERT, the mean of its tokens, a linear head.

use std::path::PathBuf;

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;

use super::Error;
use super::ones::of_ones;
use super::pretrained::Pretrained;
use super::task::{Metrics, Task};
use crate::bert::{self, Bert, BertBatch};
use crate::metrics;
use crate::task_name::TaskName;
use crate::texts::{Encoded, epoch, in_order, pad};

/// A classifier of texts.
#[derive(Module, Debug)]
pub struct Classifier {
    /// The pretrained encoder.
    pub bert: Bert,
    /// The layer for the task, which stays dense.
    pub head: Linear,
}

impl Classifier {
    /// Class scores, shape `[batch, classes]`.
    pub fn forward(&self, batch: &BertBatch) -> Tensor<2> {
        let hidden = self.bert.forward(batch);
        self.head
            .forward(bert::mean_pooled(hidden, batch.mask.clone()))
    }
}

/// Tokenized texts with their classes.
#[derive(Debug, Clone, Default)]
pub struct Labelled {
    /// The texts.
    pub texts: Vec<Encoded>,
    /// Their classes.
    pub labels: Vec<usize>,
}

impl Labelled {
    fn lengths(&self) -> Vec<usize> {
        self.texts.iter().map(Encoded::len).collect()
    }
}

/// Tokens and labels on a device.
#[derive(Debug, Clone)]
pub struct LabelledBatch {
    /// The padded tokens.
    pub texts: BertBatch,
    /// Classes, shape `[batch]`.
    pub labels: Tensor<1, Int>,
}

/// A task of the GLUE kind: two classes.
pub struct SentenceTask {
    name: TaskName,
    pretrained: Pretrained,
    train: Labelled,
    test: Labelled,
    pad_id: u32,
    batch: usize,
}

impl SentenceTask {
    /// A task on these texts, for the model in `folder`.
    pub fn new(
        name: TaskName,
        folder: PathBuf,
        [train, test]: [Labelled; 2],
        pad_id: u32,
        batch: usize,
    ) -> Self {
        Self {
            name,
            pretrained: Pretrained::new(folder),
            train,
            test,
            pad_id,
            batch,
        }
    }

    fn gather(&self, all: &Labelled, indices: &[usize], device: &Device) -> LabelledBatch {
        let texts: Vec<&Encoded> = indices.iter().map(|&index| &all.texts[index]).collect();
        let labels: Vec<i64> = indices
            .iter()
            .map(|&index| all.labels[index] as i64)
            .collect();
        LabelledBatch {
            texts: pad(&texts, self.pad_id, device),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), device),
        }
    }
}

impl Task for SentenceTask {
    type Model = Classifier;
    type Batch = LabelledBatch;

    fn start(&mut self, seed: u64, device: &Device) -> Result<Classifier, Error> {
        let (bert, head) = self.pretrained.start(seed, device)?;
        Ok(Classifier { bert, head })
    }

    fn epoch(&self, rng: &mut StdRng) -> Vec<Vec<usize>> {
        epoch(&self.train.lengths(), self.batch, rng)
    }

    fn batch(&self, indices: &[usize], device: &Device) -> LabelledBatch {
        self.gather(&self.train, indices, device)
    }

    fn loss(&self, model: &Classifier, batch: &LabelledBatch, temperature: f64) -> Tensor<1> {
        let scores = model.forward(&batch.texts).div_scalar(temperature);
        let loss = CrossEntropyLossConfig::new().init(&scores.device());
        loss.forward(scores, batch.labels.clone())
    }

    fn flow(&self, model: &Classifier, device: &Device) -> Tensor<1> {
        let (hidden, mask) = of_ones(&model.bert, device);
        model.head.forward(bert::mean_pooled(hidden, mask)).sum()
    }

    fn evaluate(&self, model: &Classifier, device: &Device) -> Metrics {
        let mut found = vec![0; self.test.labels.len()];
        for indices in in_order(&self.test.lengths(), self.batch) {
            let batch = self.gather(&self.test, &indices, device);
            let classes: Tensor<1, Int> = model.forward(&batch.texts).argmax(1).flatten(0, 1);
            for (index, class) in indices.iter().zip(classes.into_data().iter::<i64>()) {
                found[*index] = class as usize;
            }
        }
        metrics::of_classes(self.name, &found, &self.test.labels)
    }

    fn metric(&self) -> &'static str {
        metrics::metric(self.name)
    }

    fn majority(&self) -> Metrics {
        metrics::of_majority(self.name, &self.train.labels, &self.test.labels)
    }

    fn sizes(&self) -> [usize; 2] {
        [self.train.labels.len(), self.test.labels.len()]
    }
}
