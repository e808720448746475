//! Working on a piece of a tensor at a time.

use tch::{Device, TchError, Tensor};

/// Entries of a piece on an accelerator: enough to keep it busy.
const ACCELERATOR: i64 = 1 << 22;

/// Entries for each thread of a piece on the CPU: what is worth a thread to libtorch, and its
/// scratch is still in the cache for the next operation.
const THREAD: i64 = 1 << 17;

/// How many entries a piece has.
pub fn length(device: Device) -> i64 {
    match device {
        Device::Cpu => THREAD * i64::from(tch::get_num_threads()).max(1),
        _ => ACCELERATOR,
    }
}

/// Starts and lengths of the pieces of a tensor, in order.
pub fn of(tensor: &Tensor) -> impl Iterator<Item = Piece> + use<> {
    let length = length(tensor.device());
    let total = tensor.size().iter().product();
    (0..total).step_by(length as usize).map(move |start| Piece {
        start,
        length: length.min(total - start),
    })
}

/// A piece of a tensor.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    start: i64,
    /// How many entries it has.
    pub length: i64,
}

impl Piece {
    /// The piece of a tensor, in its memory.
    pub fn of(self, tensor: &Tensor) -> Result<Tensor, TchError> {
        tensor.f_narrow(0, self.start, self.length)
    }
}
