//! Whole numbers in another type. Burn's own conversion panics at one that does not fit.

use burn::tensor::DType;

/// The little-endian numbers of one type in another; none if one of them does not fit.
pub(super) fn convert(bytes: &[u8], from: DType, to: DType) -> Option<Vec<u8>> {
    let mut converted = Vec::with_capacity(bytes.len() / from.size().max(1) * to.size());
    for number in bytes.chunks_exact(from.size()) {
        let bytes = widen(number, from.is_int()).to_le_bytes();
        let narrow = bytes.get(..to.size())?;
        if widen(narrow, to.is_int()).to_le_bytes() != bytes {
            return None;
        }
        converted.extend_from_slice(narrow);
    }
    Some(converted)
}

/// A little-endian number of at most 8 bytes.
fn widen(number: &[u8], signed: bool) -> i128 {
    let negative = signed && number.last().is_some_and(|high| high & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    for (wide, byte) in wide.iter_mut().zip(number) {
        *wide = *byte;
    }
    i128::from_le_bytes(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_fit_are_the_same() {
        let bytes = [-1i64, 127, -128].map(i64::to_le_bytes).concat();
        let narrow = convert(&bytes, DType::I64, DType::I8).unwrap();
        assert_eq!(narrow, [0xff, 0x7f, 0x80]);
        assert_eq!(convert(&narrow, DType::I8, DType::I64), Some(bytes));
        assert_eq!(convert(&[200], DType::U8, DType::I16), Some(vec![200, 0]));
        assert_eq!(convert(&[], DType::U64, DType::U8), Some(Vec::new()));
    }

    #[test]
    fn numbers_that_do_not_fit_are_none() {
        let refused = |bytes: &[u8], from, to| assert_eq!(convert(bytes, from, to), None);
        refused(&u32::MAX.to_le_bytes(), DType::U32, DType::I32);
        refused(&(-1i32).to_le_bytes(), DType::I32, DType::U32);
        refused(&(-1i8).to_le_bytes(), DType::I8, DType::U64);
        refused(&128i64.to_le_bytes(), DType::I64, DType::I8);
        refused(&u64::MAX.to_le_bytes(), DType::U64, DType::I64);
        refused(&256u16.to_le_bytes(), DType::U16, DType::U8);
    }
}
