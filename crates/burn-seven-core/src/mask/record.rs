//! Masks in a pruner's record.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::{Mask, Masks};
use crate::Error;
use crate::record::{Pack, mismatch};
use crate::weights::Weight;

impl Masks {
    pub(crate) fn write(&self, pack: &mut Pack) {
        pack.scalars.insert("masks".to_string(), self.len().into());
        for (index, mask) in self.iter().enumerate() {
            let kept: Vec<u8> = mask.to_vec().into_iter().map(u8::from).collect();
            let data = TensorData::new(kept, mask.shape().to_vec());
            pack.tensors.push((format!("mask.{index}"), data));
            pack.texts
                .insert(format!("path.{index}"), mask.path().to_string());
        }
    }

    /// Reads masks to the device that each one's index gives.
    pub(crate) fn read(
        pack: &mut Pack,
        device: impl Fn(usize) -> Option<Device>,
    ) -> Result<Self, Error> {
        let count = pack.count("masks")?;
        let tensors = pack.take_tensors("mask.");
        if tensors.len() != count {
            return Err(mismatch("number of masks", count, tensors.len()));
        }
        // Counted above, so a lying count cannot make this allocate more than the file holds.
        let mut masks: Vec<Option<Mask>> = vec![None; count];
        for (name, data) in tensors {
            let index = name
                .strip_prefix("mask.")
                .and_then(|index| index.parse::<usize>().ok());
            let slot = index.and_then(|index| Some((index, masks.get_mut(index)?, device(index)?)));
            let Some((index, slot, device)) = slot else {
                return Err(mismatch(
                    "mask's name",
                    format!("mask.0 to mask.{count}"),
                    name,
                ));
            };
            *slot = Some(read_mask(
                pack.text(&format!("path.{index}"))?,
                data,
                &device,
            )?);
        }
        let missing = || mismatch("masks", count, "one of them twice");
        let masks = masks.into_iter().map(|mask| mask.ok_or_else(missing));
        Ok(Self::new(masks.collect::<Result<_, _>>()?))
    }
}

fn read_mask(path: &str, data: TensorData, device: &Device) -> Result<Mask, Error> {
    if data.dtype() != DType::U8 {
        let found = format!("{:?}", data.dtype());
        return Err(mismatch(format!("type of mask {path}"), "U8", found));
    }
    let shape = data.shape().to_vec();
    let mut pruned = Vec::with_capacity(data.num_elements());
    for value in data.iter::<u8>() {
        match value {
            0 => pruned.push(true),
            1 => pruned.push(false),
            _ => return Err(mismatch(format!("mask {path}"), "0s and 1s", value)),
        }
    }
    let count = pruned.len();
    let kept = pruned.iter().filter(|&&pruned| !pruned).count();
    let pruned = Tensor::from_data(TensorData::new(pruned, [count]), device);
    let weight = Weight::new(path, shape, DType::F32, device);
    Ok(Mask::new(Arc::new(weight), pruned, kept))
}
