//! Texts of different lengths as one batch of tensors.

use burn::tensor::{Device, Tensor, TensorData};

use super::Encoded;
use crate::bert::BertBatch;

/// Makes a batch of one text or more; shorter ones are filled up with `pad_id` at the end.
pub fn pad(batch: &[&Encoded], pad_id: u32, device: &Device) -> BertBatch {
    let longest = batch.iter().map(|text| text.ids.len()).max().unwrap_or(0);
    let shape = [batch.len(), longest];
    let ids = filled(batch.iter().map(|text| &text.ids[..]), longest, pad_id);
    let types = filled(batch.iter().map(|text| &text.types[..]), longest, 0);
    let mask: Vec<bool> = batch
        .iter()
        .flat_map(|text| (0..longest).map(|position| position < text.ids.len()))
        .collect();
    BertBatch {
        ids: Tensor::from_data(TensorData::new(ids, shape), device),
        types: Tensor::from_data(TensorData::new(types, shape), device),
        mask: Tensor::from_data(TensorData::new(mask, shape), device),
    }
}

fn filled<'a>(rows: impl Iterator<Item = &'a [u32]>, longest: usize, value: u32) -> Vec<i64> {
    let endless = |row: &'a [u32]| row.iter().copied().chain(std::iter::repeat(value));
    rows.flat_map(|row| endless(row).take(longest).map(i64::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_texts_are_filled_up_to_the_longest() {
        let long = Encoded {
            ids: vec![2, 7, 3],
            types: vec![0, 1, 1],
        };
        let short = Encoded {
            ids: vec![2],
            types: vec![1],
        };
        let padded = pad(&[&short, &long], 9, &Device::default());
        padded
            .ids
            .into_data()
            .assert_eq(&TensorData::from([[2_i64, 9, 9], [2, 7, 3]]), false);
        padded
            .types
            .into_data()
            .assert_eq(&TensorData::from([[1_i64, 0, 0], [0, 1, 1]]), false);
        padded.mask.into_data().assert_eq(
            &TensorData::from([[true, false, false], [true, true, true]]),
            false,
        );
    }
}
