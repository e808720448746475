//! Small models and one training loop for all tests.

use burn::module::Module;
use burn::nn::{
    Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, Relu,
};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Embedding, two hidden layers, a norm and a head: one of each kind that selection tells apart.
#[derive(Module, Debug)]
pub struct Net {
    /// 10 tokens of width 6; not pruned by default.
    pub embedding: Embedding,
    /// 6 to 8.
    pub first: Linear,
    /// Over 8; not pruned.
    pub norm: LayerNorm,
    /// 8 to 8.
    pub second: Linear,
    /// 8 to 3, the task head.
    pub head: Linear,
    activation: Relu,
}

impl Net {
    /// A net of seeded weights; the same on every backend.
    pub fn new(seed: u64, device: &Device) -> Self {
        let net = Self {
            embedding: EmbeddingConfig::new(10, 6).init(device),
            first: LinearConfig::new(6, 8).init(device),
            norm: LayerNormConfig::new(8).init(device),
            second: LinearConfig::new(8, 8).init(device),
            head: LinearConfig::new(8, 3).init(device),
            activation: Relu::new(),
        };
        seeded(net, seed)
    }

    /// Class scores, shape `[batch, 3]`, of token pairs, shape `[batch, 2]`.
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [batch, _] = tokens.dims();
        let hidden = self
            .embedding
            .forward(tokens)
            .sum_dim(1)
            .reshape([batch, 6]);
        let hidden = self.norm.forward(self.first.forward(hidden));
        let hidden = self.activation.forward(hidden);
        let hidden = self.activation.forward(self.second.forward(hidden));
        self.head.forward(hidden)
    }

    /// A regression loss, so that gradients stay lively.
    pub fn loss(&self, batch: &Batch) -> Tensor<1> {
        (self.forward(batch.tokens.clone()) - batch.targets.clone())
            .square()
            .mean()
    }

    /// All values of the selected weights as the model uses them, in order.
    pub fn effective(&self) -> Vec<f32> {
        let weights = [&self.first.weight, &self.second.weight, &self.head.weight];
        let values = weights.map(|weight| weight.val().try_into_vec_as::<f32>().expect("float32"));
        values.concat()
    }
}

/// Four token pairs with targets.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Shape `[4, 2]`.
    pub tokens: Tensor<2, Int>,
    /// Shape `[4, 3]`.
    pub targets: Tensor<2>,
}

impl Batch {
    /// The batch of a step; the same on every backend.
    pub fn new(step: u64, device: &Device) -> Self {
        let mut noise = Noise::new(1000 + step);
        let tokens: Vec<i64> = (0..8)
            .map(|_| (noise.next() * 1e4) as i64 % 10)
            .map(i64::abs)
            .collect();
        let targets: Vec<f32> = (0..12).map(|_| noise.next()).collect();
        Self {
            tokens: Tensor::from_data(TensorData::new(tokens, [4, 2]), device),
            targets: Tensor::from_data(TensorData::new(targets, [4, 3]), device),
        }
    }
}

/// AdamW with the momentum and weight decay that would revive pruned weights.
pub fn adamw() -> ModuleOptimizer {
    AdamWConfig::new()
        .with_beta_1(0.9)
        .with_weight_decay(0.1)
        .init()
}

/// The gradients of one batch.
pub fn gradients(model: &Net, step: u64, device: &Device) -> GradientsParams {
    GradientsParams::from_grads(model.loss(&Batch::new(step, device)).backward(), model)
}

/// A small fixed generator, so that values do not depend on a backend's.
pub struct Noise(u64);

impl Noise {
    /// Seeded.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next value in `[-0.5, 0.5)`, never exactly 0.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 41) as f32 + 0.5) / (1u64 << 23) as f32 - 0.5
    }
}

/// The module with seeded values for all its float parameters; the same on every backend.
pub fn seeded<M: Module>(module: M, seed: u64) -> M {
    module.map(&mut Seeded(Noise::new(seed)))
}

struct Seeded(Noise);

impl burn::module::ModuleMapper for Seeded {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<Tensor<D>>,
    ) -> burn::module::Param<Tensor<D>> {
        param.map(|value| {
            let shape = value.shape();
            let values: Vec<f32> = (0..shape.num_elements()).map(|_| self.0.next()).collect();
            let require_grad = value.is_require_grad();
            let value = Tensor::from_data(TensorData::new(values, shape), &value.device());
            if require_grad {
                value.require_grad()
            } else {
                value
            }
        })
    }
}
