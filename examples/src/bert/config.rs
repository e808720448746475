//! What Hugging Face's `config.json` says of a BERT.

use std::fs;
use std::path::Path;

use burn::nn::{Initializer, Linear};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Bert, BertError};

/// Sizes and rates of a [`Bert`], under the names of Hugging Face's `config.json`. Other fields of
/// the file are ignored, but for those that would change what the model computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// How many tokens there are.
    pub vocab_size: usize,
    /// The width of tokens.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Attention heads; they divide the width.
    pub num_attention_heads: usize,
    /// The width of the feed-forward layers.
    pub intermediate_size: usize,
    /// The most tokens of a sequence.
    pub max_position_embeddings: usize,
    /// How many parts an input may have.
    pub type_vocab_size: usize,
    /// What is added to variances before their root is taken.
    #[serde(default = "layer_norm_eps")]
    pub layer_norm_eps: f64,
    /// Dropout of embeddings and of each sublayer's output, in [0, 1).
    pub hidden_dropout_prob: f64,
    /// Dropout of attention's weights, in [0, 1).
    pub attention_probs_dropout_prob: f64,
    /// The standard deviation of random weights.
    #[serde(default = "initializer_range")]
    pub initializer_range: f64,
    /// The feed-forward layers' activation: `gelu`, which is the exact one.
    pub hidden_act: String,
    /// How positions are told apart: `absolute`.
    #[serde(default = "position_embedding_type")]
    pub position_embedding_type: String,
    /// The architecture: `bert`.
    #[serde(default = "model_type")]
    pub model_type: String,
}

fn layer_norm_eps() -> f64 {
    1e-12
}

fn initializer_range() -> f64 {
    0.02
}

fn position_embedding_type() -> String {
    "absolute".to_string()
}

fn model_type() -> String {
    "bert".to_string()
}

impl BertConfig {
    /// The configuration of a file, checked.
    ///
    /// # Errors
    ///
    /// [`BertError::Io`], [`BertError::Json`], and those of [`validate`](Self::validate).
    pub fn from_file(path: &Path) -> Result<Self, BertError> {
        let text = fs::read_to_string(path).map_err(|source| BertError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        let config: Self = serde_json::from_str(&text).map_err(|source| BertError::Json {
            path: path.to_path_buf(),
            source,
        })?;
        config.validate()?;
        Ok(config)
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// [`BertError::Unsupported`], [`BertError::Zero`], [`BertError::Heads`],
    /// [`BertError::Dropout`] or [`BertError::Negative`], with the field's name.
    pub fn validate(&self) -> Result<(), BertError> {
        for (name, expected, found) in [
            ("model_type", "bert", &self.model_type),
            ("hidden_act", "gelu", &self.hidden_act),
            (
                "position_embedding_type",
                "absolute",
                &self.position_embedding_type,
            ),
        ] {
            if found != expected {
                return Err(BertError::Unsupported {
                    name,
                    expected,
                    found: found.clone(),
                });
            }
        }
        for (name, size) in [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("type_vocab_size", self.type_vocab_size),
        ] {
            if size == 0 {
                return Err(BertError::Zero { name });
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(BertError::Heads {
                heads: self.num_attention_heads,
                width: self.hidden_size,
            });
        }
        for (name, value) in [
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            (
                "attention_probs_dropout_prob",
                self.attention_probs_dropout_prob,
            ),
        ] {
            if !(0.0..1.0).contains(&value) {
                return Err(BertError::Dropout { name, value });
            }
        }
        for (name, value) in [
            ("layer_norm_eps", self.layer_norm_eps),
            ("initializer_range", self.initializer_range),
        ] {
            if value.is_nan() || value < 0.0 {
                return Err(BertError::Negative { name, value });
            }
        }
        Ok(())
    }

    /// A model of random weights as BERT starts from: normal of
    /// [`initializer_range`](Self::initializer_range), biases 0. They are drawn when they are first
    /// used.
    ///
    /// # Panics
    ///
    /// For a configuration that [`validate`](Self::validate) refuses.
    pub fn init(&self, device: &Device) -> Bert {
        Bert::new(self, device)
    }

    pub(super) fn initializer(&self) -> Initializer {
        Initializer::Normal {
            mean: 0.0,
            std: self.initializer_range,
        }
    }

    pub(super) fn linear(&self, input: usize, output: usize, device: &Device) -> Linear {
        Linear {
            weight: self.initializer().init([input, output], device),
            bias: Some(Initializer::Zeros.init([output], device)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::tiny_config;
    use super::*;

    fn refused(change: fn(&mut BertConfig), expected: &str) {
        let mut config = tiny_config();
        change(&mut config);
        let error = config.validate().expect_err("refused");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn wrong_fields_are_refused_with_name_and_value() {
        refused(
            |config| config.hidden_act = "relu".to_string(),
            "hidden_act is relu, but only gelu is supported",
        );
        refused(
            |config| config.position_embedding_type = "relative_key".to_string(),
            "position_embedding_type is relative_key, but only absolute is supported",
        );
        refused(
            |config| config.model_type = "roberta".to_string(),
            "model_type is roberta, but only bert is supported",
        );
        refused(
            |config| config.num_attention_heads = 5,
            "num_attention_heads is 5, which does not divide hidden_size, 12",
        );
        refused(
            |config| config.num_attention_heads = 0,
            "num_attention_heads is 0, but should be at least 1",
        );
        refused(
            |config| config.hidden_dropout_prob = 1.0,
            "hidden_dropout_prob is 1, but should be in [0, 1)",
        );
        refused(
            |config| config.attention_probs_dropout_prob = -0.1,
            "attention_probs_dropout_prob is -0.1, but should be in [0, 1)",
        );
        refused(
            |config| config.layer_norm_eps = -1.0,
            "layer_norm_eps is -1, but should be at least 0",
        );
    }

    #[test]
    fn what_a_file_leaves_out_has_bert_s_own_value() {
        let config = tiny_config();
        assert_eq!(config.layer_norm_eps, 1e-12);
        assert_eq!(config.position_embedding_type, "absolute");
        assert!(config.validate().is_ok());
    }
}
