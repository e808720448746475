//! A pretrained encoder, read once, with a new head for each run.

use std::path::PathBuf;

use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;

use super::Error;
use crate::bert::{self, Bert};

/// The encoder in a folder.
pub(super) struct Pretrained {
    folder: PathBuf,
    loaded: Option<Bert>,
}

impl Pretrained {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            loaded: None,
        }
    }

    /// The encoder with its embeddings frozen, and a linear head of two outputs that the seed
    /// settles.
    ///
    /// # Errors
    ///
    /// Those of [`bert::load`].
    pub(super) fn start(&mut self, seed: u64, device: &Device) -> Result<(Bert, Linear), Error> {
        let bert = match &self.loaded {
            Some(bert) => bert.clone(),
            None => {
                let bert = bert::load(&self.folder, device)?.freeze_embeddings();
                self.loaded.insert(bert).clone()
            }
        };
        device.seed(seed);
        let head = LinearConfig::new(bert.width(), 2).init(device);
        Ok((bert, head))
    }
}
