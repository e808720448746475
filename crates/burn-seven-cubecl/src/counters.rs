//! Counters on the device.

use burn::tensor::{DType, Shape};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Counters that kernels add to and the host reads.
pub struct Counters {
    tensor: CubeTensor,
    length: usize,
}

impl Counters {
    /// So many counters, all 0, on the device of a tensor.
    pub fn new(like: &CubeTensor, length: usize) -> Self {
        let handle = like
            .client
            .create_from_slice(u32::as_bytes(&vec![0u32; length]));
        let tensor = CubeTensor::new_contiguous(
            like.client.clone(),
            like.device.clone(),
            Shape::new([length]),
            handle,
            DType::U32,
        );
        Self { tensor, length }
    }

    /// The counters as a kernel's argument.
    pub fn arg(&self) -> BufferArg {
        self.tensor.clone().into_buffer_arg()
    }

    /// What they have come to, once all kernels launched so far are done.
    pub fn read(self) -> Vec<u32> {
        let Self { tensor, length } = self;
        let bytes = tensor.client.read_one(tensor.handle);
        let bytes = bytes.expect("counters should be readable");
        u32::from_bytes(&bytes)[..length].to_vec()
    }
}

/// The tensors of each device, by their positions.
pub fn by_device(tensors: &[&CubeTensor]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let same = |group: &&mut Vec<usize>| tensors[group[0]].device == tensor.device;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(index),
            None => groups.push(vec![index]),
        }
    }
    groups
}

/// `each` counters for every tensor, filled by `launch`, which is told the tensor's position and
/// where its counters start; one read for all tensors of a device.
pub fn tally(
    tensors: &[&CubeTensor],
    each: usize,
    mut launch: impl FnMut(usize, &Counters, usize),
) -> Vec<Vec<u32>> {
    let mut launched = Vec::new();
    for group in by_device(tensors) {
        let counters = Counters::new(tensors[group[0]], group.len() * each);
        for (slot, &index) in group.iter().enumerate() {
            launch(index, &counters, slot * each);
        }
        launched.push((group, counters));
    }
    let mut counted = vec![Vec::new(); tensors.len()];
    for (group, counters) in launched {
        let counts = counters.read();
        for (index, counts) in group.into_iter().zip(counts.chunks(each)) {
            counted[index] = counts.to_vec();
        }
    }
    counted
}
