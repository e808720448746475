//! Masks without weights.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Bytes, Device};
use burn_seven_core::{Mask, Masks};
use safetensors::Dtype;

use super::bitmask;
use super::container::{Container, Stored};
use super::header::MAX_RANK;
use super::replace::Pending;
use super::sizes::Sizes;
use super::write::{Entry, header};
use crate::SparseError;

/// What the header's `format` is.
const FORMAT: &str = "burn-seven masks";

/// Writes masks to a safetensors file, one bit an entry, with Burn's names and orientation.
///
/// The mask of a weight at `PATH` is two tensors, in the order of the masks:
///
/// | tensor | type | shape | content |
/// | --- | --- | --- | --- |
/// | `PATH.shape` | I64 | `[rank]` | the weight's shape |
/// | `PATH.bitmask` | U8 | `[R, ceil(C/8)]` | bit `b` of byte `j` of row `r` is 1 where entry `8j + b` is kept |
///
/// where `R` is the first dimension and `C` the product of the others, or `R` is 1 for a vector.
/// A file that is there is replaced, as by [`SaveConfig::save`](super::SaveConfig::save). `format`
/// in the header's metadata is `burn-seven masks`.
///
/// # Errors
///
/// [`SparseError::Io`], with the file as it was.
pub fn save_masks(masks: &Masks, path: impl AsRef<Path>) -> Result<(), SparseError> {
    let mut entries = Vec::new();
    for mask in masks.iter() {
        let sizes: Vec<i64> = mask.shape().iter().map(|&size| size as i64).collect();
        let (rows, columns) = bitmask::flat(mask.shape()).unwrap_or_default();
        let bits = bitmask::pack(&mask.to_vec(), columns);
        entries.push(Entry::integers(format!("{}.shape", mask.path()), &sizes));
        entries.push(Entry {
            name: format!("{}.bitmask", mask.path()),
            dtype: Dtype::U8,
            shape: vec![rows, columns.div_ceil(8)],
            bytes: Bytes::from_bytes_vec(bits),
        });
    }
    let header = header(&mut entries, FORMAT)?;
    let tensors = entries.iter().map(|entry| &entry.bytes[..]);
    let parts = std::iter::once(&header[..]).chain(tensors);
    Pending::write(path.as_ref(), parts)?.commit()
}

/// Reads masks from a file of [`save_masks`] to a device. [`Masks::apply`] puts them on a model.
///
/// # Errors
///
/// [`SparseError::Io`]; [`Format`](SparseError::Format) for a file of something else;
/// [`Length`](SparseError::Length), [`Header`](SparseError::Header),
/// [`DuplicateName`](SparseError::DuplicateName), [`Incomplete`](SparseError::Incomplete) or
/// [`Malformed`](SparseError::Malformed) for a damaged one.
pub fn load_masks(path: impl AsRef<Path>, device: &Device) -> Result<Masks, SparseError> {
    read(&Container::read(path.as_ref())?, device)
}

/// [`load_masks`] from the bytes of a file.
///
/// # Errors
///
/// Those of [`load_masks`].
pub fn load_masks_bytes(bytes: Vec<u8>, device: &Device) -> Result<Masks, SparseError> {
    read(&Container::parse(bytes)?, device)
}

fn read(file: &Container, device: &Device) -> Result<Masks, SparseError> {
    if file.format.as_deref() != Some(FORMAT) {
        let found = file.format.clone().unwrap_or_default();
        let expected = FORMAT;
        return Err(SparseError::Format { expected, found });
    }
    let mut pairs: BTreeMap<&str, [Option<&Stored>; 2]> = BTreeMap::new();
    for (name, stored) in &file.tensors {
        let (path, part) = match name.rsplit_once('.') {
            Some((path, "shape")) => (path, 0),
            Some((path, "bitmask")) => (path, 1),
            _ => {
                let names = vec![name.clone()];
                return Err(SparseError::Unused { names });
            }
        };
        if let Some(slot) = pairs.entry(path).or_default().get_mut(part) {
            *slot = Some(stored);
        }
    }
    let mut masks = Vec::new();
    for (path, [shape, bits]) in pairs {
        let missing = |part: &str| SparseError::Incomplete {
            weight: path.to_string(),
            missing: format!("{path}.{part}"),
        };
        let shape = shape.ok_or_else(|| missing("shape"))?;
        let bits = bits.ok_or_else(|| missing("bitmask"))?;
        masks.push((
            shape.place.start,
            read_mask(file, path, shape, bits, device)?,
        ));
    }
    masks.sort_by_key(|(start, _)| *start);
    let masks = masks.into_iter().map(|(_, mask)| mask).collect();
    Ok(Masks::from_masks(masks)?)
}

fn read_mask(
    file: &Container,
    path: &str,
    shape: &Stored,
    bits: &Stored,
    device: &Device,
) -> Result<Mask, SparseError> {
    let (sizes_name, bits_name) = (format!("{path}.shape"), format!("{path}.bitmask"));
    let sizes = Sizes::read(file, &sizes_name, shape, 0..=MAX_RANK)?;
    let (rows, columns) = (sizes.rows, sizes.columns);
    bits.expect(&bits_name, Dtype::U8, &[rows, columns.div_ceil(8)])?;
    let bitmask = file.at(&bits.place);
    if let Some(row) = bitmask::spare_bits(bitmask, columns) {
        let found = format!("1 in row {row}");
        return Err(SparseError::malformed(
            bits_name,
            "bits after the last column",
            "0",
            found,
        ));
    }
    let kept = bitmask::unpack(bitmask, columns);
    Ok(Mask::from_kept(path, sizes.shape, &kept, device)?)
}
