//! Questions whose answer is a span of a text: a pretrained BERT, and two scores a token.

use std::path::PathBuf;

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rand::rngs::StdRng;

use super::Error;
use super::ones::of_ones;
use super::pretrained::Pretrained;
use super::task::{Metrics, Task};
use crate::bert::{Bert, BertBatch};
use crate::metrics;
use crate::task_name::TaskName;
use crate::texts::{Encoded, Question, Tokens, Window, best_span, epoch, in_order, pad};

/// Tokens that neighbouring windows share.
const OVERLAP: usize = 32;
/// The most tokens of an answer.
const ANSWER: usize = 30;
/// What tokens outside the text score.
const NEVER: f64 = -1e4;

/// A finder of answers.
#[derive(Module, Debug)]
pub struct Reader {
    /// The pretrained encoder.
    pub bert: Bert,
    /// Scores of a token as an answer's first and as its last; stays dense.
    pub head: Linear,
}

impl Reader {
    /// Scores of each token as first and last of the answer, each of shape `[batch, length]`, very
    /// low where `allowed` is false.
    pub fn forward(&self, batch: &BertBatch, allowed: &Tensor<2, Bool>) -> [Tensor<2>; 2] {
        let scores = self.head.forward(self.bert.forward(batch));
        let outside = allowed.clone().bool_not();
        [0, 1].map(|index| {
            let scores: Tensor<2> = scores.clone().narrow(2, index, 1).squeeze_dim(2);
            scores.mask_fill(outside.clone(), NEVER)
        })
    }
}

/// A question, cut into windows.
pub struct Asked {
    question: Question,
    windows: Vec<Window>,
}

impl Asked {
    /// Cuts a question's text into windows of at most `max_length` tokens.
    ///
    /// # Errors
    ///
    /// A tokenizer that fails.
    pub fn new(question: Question, tokens: &Tokens, max_length: usize) -> Result<Self, Error> {
        let windows = tokens.encode_question(&question, max_length, OVERLAP)?;
        Ok(Self { question, windows })
    }
}

/// Windows on a device.
#[derive(Debug, Clone)]
pub struct WindowBatch {
    texts: BertBatch,
    /// Where an answer may be, shape `[batch, length]`.
    allowed: Tensor<2, Bool>,
    /// First and last token of the answer, each of shape `[batch]`.
    answers: [Tensor<1, Int>; 2],
}

/// Finding answers in texts.
pub struct QuestionTask {
    pretrained: Pretrained,
    /// Windows that hold their question's answer.
    train: Vec<Window>,
    test: Vec<Asked>,
    pad_id: u32,
    batch: usize,
}

impl QuestionTask {
    /// A task on these questions, for the model in `folder`.
    pub fn new(folder: PathBuf, [train, test]: [Vec<Asked>; 2], pad_id: u32, batch: usize) -> Self {
        let windows = train.into_iter().flat_map(|asked| asked.windows);
        Self {
            pretrained: Pretrained::new(folder),
            train: windows.filter(|window| window.answer.is_some()).collect(),
            test,
            pad_id,
            batch,
        }
    }

    fn gather(&self, windows: &[&Window], device: &Device) -> WindowBatch {
        let texts: Vec<&Encoded> = windows.iter().map(|window| &window.encoded).collect();
        let texts = pad(&texts, self.pad_id, device);
        let [count, length] = texts.ids.dims();
        let allowed: Vec<bool> = windows
            .iter()
            .flat_map(|window| (0..length).map(|index| window.context.contains(&index)))
            .collect();
        let answers = [0, 1].map(|side| {
            let at = |window: &&Window| {
                let (first, last) = window.answer.unwrap_or_default();
                [first, last][side] as i64
            };
            let answers: Vec<i64> = windows.iter().map(at).collect();
            Tensor::from_data(TensorData::new(answers, [count]), device)
        });
        WindowBatch {
            texts,
            allowed: Tensor::from_data(TensorData::new(allowed, [count, length]), device),
            answers,
        }
    }

    /// Scores of each window's tokens as first, and as last.
    fn scores(&self, model: &Reader, windows: &[&Window], device: &Device) -> [Vec<Vec<f32>>; 2] {
        let mut scores = [(); 2].map(|()| vec![Vec::new(); windows.len()]);
        let lengths: Vec<usize> = windows.iter().map(|window| window.encoded.len()).collect();
        for indices in in_order(&lengths, self.batch) {
            let chosen: Vec<&Window> = indices.iter().map(|&index| windows[index]).collect();
            let batch = self.gather(&chosen, device);
            let found = model.forward(&batch.texts, &batch.allowed);
            for (scores, found) in scores.iter_mut().zip(found) {
                let [_, length] = found.dims();
                let found: Vec<f32> = found.into_data().iter::<f32>().collect();
                for (&index, row) in indices.iter().zip(found.chunks(length.max(1))) {
                    scores[index] = row.to_vec();
                }
            }
        }
        scores
    }
}

impl Task for QuestionTask {
    type Model = Reader;
    type Batch = WindowBatch;

    fn start(&mut self, seed: u64, device: &Device) -> Result<Reader, Error> {
        let (bert, head) = self.pretrained.start(seed, device)?;
        Ok(Reader { bert, head })
    }

    fn epoch(&self, rng: &mut StdRng) -> Vec<Vec<usize>> {
        let lengths: Vec<usize> = self.train.iter().map(|w| w.encoded.len()).collect();
        epoch(&lengths, self.batch, rng)
    }

    fn batch(&self, indices: &[usize], device: &Device) -> WindowBatch {
        let windows: Vec<&Window> = indices.iter().map(|&index| &self.train[index]).collect();
        self.gather(&windows, device)
    }

    fn loss(&self, model: &Reader, batch: &WindowBatch, temperature: f64) -> Tensor<1> {
        let [first, last] = model.forward(&batch.texts, &batch.allowed);
        let loss = CrossEntropyLossConfig::new().init(&first.device());
        let [at_first, at_last] = batch.answers.clone();
        let first = loss.forward(first.div_scalar(temperature), at_first);
        let last = loss.forward(last.div_scalar(temperature), at_last);
        (first + last).div_scalar(2.0)
    }

    fn flow(&self, model: &Reader, device: &Device) -> Tensor<1> {
        let (hidden, _) = of_ones(&model.bert, device);
        model.head.forward(hidden).sum()
    }

    fn evaluate(&self, model: &Reader, device: &Device) -> Metrics {
        let windows: Vec<&Window> = self.test.iter().flat_map(|asked| &asked.windows).collect();
        let [mut firsts, mut lasts] = self
            .scores(model, &windows, device)
            .map(IntoIterator::into_iter);
        let found = self.test.iter().map(|asked| {
            let count = asked.windows.len();
            let firsts: Vec<Vec<f32>> = firsts.by_ref().take(count).collect();
            let lasts: Vec<Vec<f32>> = lasts.by_ref().take(count).collect();
            best_span(
                &asked.question.context,
                &asked.windows,
                &firsts,
                &lasts,
                ANSWER,
            )
        });
        let found: Vec<String> = found.collect();
        let questions = self.test.iter().map(|asked| asked.question.clone());
        metrics::of_answers(&found, &questions.collect::<Vec<_>>())
    }

    fn metric(&self) -> &'static str {
        metrics::metric(TaskName::Squad)
    }

    /// There are no classes: the empty answer is the one that needs no model.
    fn majority(&self) -> Metrics {
        let questions = self.test.iter().map(|asked| asked.question.clone());
        metrics::of_answers(&vec![""; self.test.len()], &questions.collect::<Vec<_>>())
    }

    fn sizes(&self) -> [usize; 2] {
        [self.train.len(), self.test.len()]
    }
}
