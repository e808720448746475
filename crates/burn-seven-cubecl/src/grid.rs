//! How a kernel is laid over a tensor.

use burn::tensor::{BoolStore, DType};
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::{ElemType, UIntKind};
use cubecl::prelude::*;

use crate::tensors::length;

/// Units in a cube, where the device allows so many.
const UNITS: u32 = 256;

/// Cubes at most: enough to fill a device. Units step over what is beyond, so that no size is too
/// large for the grid, and so that few cubes add to one counter.
const CUBES: usize = 1024;

/// Entries read at once where the sizes allow it.
const LANES: usize = 4;

/// Bytes that a buffer's start must be a multiple of for entries to be read together.
const ALIGNMENT: u64 = 16;

/// How a kernel is laid over some entries.
pub struct Grid {
    /// How many cubes.
    pub cubes: CubeCount,
    /// Units in each.
    pub units: CubeDim,
}

impl Grid {
    /// For `count` steps of work, with at least `each` for a unit if there are as many.
    pub fn new(client: &Client, count: usize, each: usize) -> Self {
        let hardware = &client.properties().hardware;
        let units = UNITS
            .min(hardware.max_units_per_cube)
            .min(hardware.max_cube_dim.0);
        let cubes = count
            .div_ceil(units as usize * each)
            .clamp(1, CUBES.min(hardware.max_cube_count.0 as usize));
        Self {
            cubes: CubeCount::Static(cubes as u32, 1, 1),
            units: CubeDim::new_1d(units),
        }
    }
}

/// How many entries of these tensors, all of one length, are read at once.
pub fn lanes(tensors: &[&CubeTensor]) -> usize {
    let together = tensors.iter().all(|tensor| {
        let start = tensor.handle.offset_start.unwrap_or(0);
        let mut sizes = tensor.client.io_optimized_vector_sizes(tensor.elem_size());
        length(tensor).is_multiple_of(LANES)
            && start.is_multiple_of(ALIGNMENT)
            && sizes.any(|size| size == LANES)
    });
    if together { LANES } else { 1 }
}

/// What the flags of a boolean tensor are stored as.
pub fn flag_type(tensor: &CubeTensor) -> ElemType {
    match tensor.dtype {
        DType::Bool(BoolStore::U8) => ElemType::UInt(UIntKind::U8),
        _ => ElemType::UInt(UIntKind::U32),
    }
}
