//! A transformer's encoder of which heads can be cut.

use burn::module::Module;
use burn::nn::transformer::{PositionWiseFeedForward, TransformerEncoder, TransformerEncoderLayer};
use burn::nn::{Dropout, LayerNorm};
use burn::tensor::{Bool, Tensor};

use crate::Attention;

/// Burn's `TransformerEncoder` with an [`Attention`] of which heads can be cut.
///
/// ```
/// use burn::nn::transformer::TransformerEncoderConfig;
/// use burn::tensor::{Device, Tensor};
/// use burn_seven_shrink::Encoder;
///
/// let device = Device::flex();
/// let encoder: Encoder = TransformerEncoderConfig::new(32, 64, 4, 2).init(&device).into();
/// let y = encoder.forward(Tensor::ones([2, 5, 32], &device), None, None);
/// assert_eq!(y.dims(), [2, 5, 32]);
/// ```
#[derive(Module, Debug)]
pub struct Encoder {
    /// The layers.
    pub layers: Vec<EncoderLayer>,
}

/// A layer of an [`Encoder`].
#[derive(Module, Debug)]
pub struct EncoderLayer {
    /// Self-attention.
    pub mha: Attention,
    /// The feed-forward pair.
    pub pwff: PositionWiseFeedForward,
    /// Before the feed-forward pair, or after attention.
    pub norm_1: LayerNorm,
    /// Before attention, or after the feed-forward pair.
    pub norm_2: LayerNorm,
    /// Dropout of what is added.
    pub dropout: Dropout,
    /// Whether norms come first.
    pub norm_first: bool,
}

impl From<TransformerEncoder> for Encoder {
    fn from(other: TransformerEncoder) -> Self {
        Self {
            layers: other.layers.into_iter().map(EncoderLayer::from).collect(),
        }
    }
}

impl From<TransformerEncoderLayer> for EncoderLayer {
    fn from(other: TransformerEncoderLayer) -> Self {
        Self {
            mha: other.mha.into(),
            pwff: other.pwff,
            norm_1: other.norm_1,
            norm_2: other.norm_2,
            dropout: other.dropout,
            norm_first: other.norm_first,
        }
    }
}

impl Encoder {
    /// Tokens, shape `[batch, length, d_model]`, as Burn's encoder makes them. `mask_pad`, shape
    /// `[batch, length]`, and `mask_attn`, shape `[batch, length, length]`, are true where nothing is to
    /// be seen.
    pub fn forward(
        &self,
        x: Tensor<3>,
        mask_pad: Option<Tensor<2, Bool>>,
        mask_attn: Option<Tensor<3, Bool>>,
    ) -> Tensor<3> {
        self.layers.iter().fold(x, |x, layer| {
            layer.forward(x, mask_pad.clone(), mask_attn.clone())
        })
    }
}

impl EncoderLayer {
    /// As [`Encoder::forward`].
    pub fn forward(
        &self,
        x: Tensor<3>,
        mask_pad: Option<Tensor<2, Bool>>,
        mask_attn: Option<Tensor<3, Bool>>,
    ) -> Tensor<3> {
        let seen = match self.norm_first {
            true => self.norm_2.forward(x.clone()),
            false => x.clone(),
        };
        let attended = self.mha.forward(seen.clone(), seen, mask_pad, mask_attn);
        let mut x = x + self.dropout.forward(attended);
        let seen = match self.norm_first {
            true => self.norm_1.forward(x.clone()),
            false => {
                x = self.norm_1.forward(x);
                x.clone()
            }
        };
        let x = x + self.dropout.forward(self.pwff.forward(seen));
        match self.norm_first {
            true => x,
            false => self.norm_2.forward(x),
        }
    }
}
