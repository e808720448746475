//! Types: Burn's, those of safetensors, and the three that a file's floats can be asked to have.

use burn::tensor::{BoolStore, DType};
use safetensors::Dtype;

/// The type that a file's floats are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FloatType {
    /// Single precision, 4 bytes.
    F32,
    /// Half precision, 2 bytes.
    F16,
    /// The upper half of single precision, 2 bytes.
    BF16,
}

impl From<FloatType> for DType {
    fn from(float: FloatType) -> Self {
        match float {
            FloatType::F32 => DType::F32,
            FloatType::F16 => DType::F16,
            FloatType::BF16 => DType::BF16,
        }
    }
}

/// Burn's types as they are stored, and back; none for what these files cannot hold.
const TYPES: [(DType, Dtype); 13] = [
    (DType::F64, Dtype::F64),
    (DType::F32, Dtype::F32),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
    (DType::I64, Dtype::I64),
    (DType::I32, Dtype::I32),
    (DType::I16, Dtype::I16),
    (DType::I8, Dtype::I8),
    (DType::U64, Dtype::U64),
    (DType::U32, Dtype::U32),
    (DType::U16, Dtype::U16),
    (DType::U8, Dtype::U8),
    (DType::Bool(BoolStore::Native), Dtype::BOOL),
];

/// The type under which Burn's is stored.
pub(super) fn to_file(dtype: DType) -> Option<Dtype> {
    let found = TYPES.iter().find(|(burn, _)| *burn == dtype);
    found.map(|(_, file)| *file)
}

/// Burn's type of a stored one.
pub(super) fn from_file(dtype: Dtype) -> Option<DType> {
    let found = TYPES.iter().find(|(_, file)| *file == dtype);
    found.map(|(burn, _)| *burn)
}

/// Whether a weight of this type has a sparse form.
pub(super) fn is_compressible(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_back() {
        for (burn, file) in TYPES {
            assert_eq!(to_file(burn).and_then(from_file), Some(burn));
            assert_eq!(burn.size() * 8, file.bitsize());
        }
        assert_eq!(from_file(Dtype::F8_E4M3), None);
        assert_eq!(to_file(DType::Flex32), None);
    }
}
