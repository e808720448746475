//! The embedded handwritten digits.

use burn::tensor::{Device, Int, Tensor, TensorData};
use flate2::read::GzDecoder;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::Error;

/// How many images, from the first on, are trained on; the others are only tested on.
pub const TRAINING: usize = 1400;
const PIXELS: usize = 64;
const PACKED: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// Labelled images of 8x8 pixels.
#[derive(Debug, Clone)]
pub struct Digits {
    images: Vec<([f32; PIXELS], u8)>,
}

/// Images and labels on a device.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Pixels of 0 to 1, shape `[batch, side, side]`; digits have 8x8.
    pub images: Tensor<3>,
    /// Classes 0 to 9, shape `[batch]`.
    pub labels: Tensor<1, Int>,
}

impl Digits {
    /// The training images and the test images.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if the embedded file is damaged.
    pub fn load() -> Result<(Self, Self), Error> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(GzDecoder::new(PACKED));
        let mut images = Vec::new();
        for row in reader.deserialize() {
            let row: Vec<u8> = row?;
            let mut pixels = [0.0; PIXELS];
            for (pixel, value) in pixels.iter_mut().zip(&row) {
                *pixel = f32::from(*value) / 16.0;
            }
            images.push((pixels, row.last().copied().unwrap_or_default()));
        }
        let test = images.split_off(TRAINING.min(images.len()));
        Ok((Self { images }, Self { images: test }))
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Pixels of 0 to 1, row by row, and class of each image.
    pub fn iter(&self) -> impl Iterator<Item = (&[f32], usize)> {
        let images = self.images.iter();
        images.map(|(pixels, class)| (pixels.as_slice(), usize::from(*class)))
    }

    /// All images in the file's order, in batches.
    pub fn batches<'a>(
        &'a self,
        size: usize,
        device: &'a Device,
    ) -> impl Iterator<Item = Batch> + 'a {
        let order: Vec<usize> = (0..self.len()).collect();
        self.in_order(order, size, device)
    }

    /// The share of images whose class has the highest score. `scores` gives them, shape `[batch, 10]`,
    /// for images, shape `[batch, 8, 8]`, outside autodiff.
    pub fn share_right(&self, device: &Device, scores: impl Fn(Tensor<3>) -> Tensor<2>) -> f64 {
        let device = device.clone().without_autodiff();
        let right = self.batches(100, &device).map(|batch| {
            let found = scores(batch.images).argmax(1).flatten::<1>(0, 1);
            found.equal(batch.labels).int().sum().into_scalar::<i64>()
        });
        right.sum::<i64>() as f64 / self.len() as f64
    }

    /// One epoch of batches in random order; what is left over at the end is not used.
    pub fn epoch<'a>(
        &'a self,
        size: usize,
        rng: &mut StdRng,
        device: &'a Device,
    ) -> impl Iterator<Item = Batch> + use<'a> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(rng);
        order.truncate(self.len() / size * size);
        self.in_order(order, size, device)
    }

    fn in_order<'a>(
        &'a self,
        order: Vec<usize>,
        size: usize,
        device: &'a Device,
    ) -> impl Iterator<Item = Batch> + 'a {
        let count = order.len().div_ceil(size);
        (0..count).map(move |batch| {
            let end = order.len().min((batch + 1) * size);
            self.batch(&order[batch * size..end], device)
        })
    }

    fn batch(&self, indices: &[usize], device: &Device) -> Batch {
        let pixels: Vec<f32> = indices
            .iter()
            .flat_map(|&index| self.images[index].0)
            .collect();
        let labels: Vec<i64> = indices
            .iter()
            .map(|&index| i64::from(self.images[index].1))
            .collect();
        let count = indices.len();
        Batch {
            images: Tensor::from_data(TensorData::new(pixels, [count, 8, 8]), device),
            labels: Tensor::from_data(TensorData::new(labels, [count]), device),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_1797_digits_are_there_and_split_without_overlap() -> Result<(), Error> {
        let (train, test) = Digits::load()?;
        assert_eq!((train.len(), test.len()), (1400, 397));
        let all = || train.images.iter().chain(&test.images);
        assert!(
            all().all(
                |(pixels, label)| *label < 10 && pixels.iter().all(|p| (0.0..=1.0).contains(p))
            )
        );
        // UCI's class counts of this part, 0 to 9.
        let counts: Vec<usize> = (0..10)
            .map(|class| all().filter(|(_, label)| *label == class).count())
            .collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        Ok(())
    }
}
