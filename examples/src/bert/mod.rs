//! A BERT encoder of Burn's own layers, which loads pretrained weights of Hugging Face's layout.

mod attention;
mod batch;
mod config;
mod embeddings;
mod error;
mod layer;
mod load;
mod model;
mod names;
mod pool;
#[cfg(test)]
mod reference;
#[cfg(test)]
pub(crate) mod testing;

pub use batch::BertBatch;
pub use config::BertConfig;
pub use error::BertError;
pub use load::load;
pub use model::Bert;
pub use pool::mean_pooled;
