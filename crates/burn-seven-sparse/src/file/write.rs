//! Writing safetensors.

use std::collections::HashMap;

use burn::tensor::Bytes;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::SparseError;

/// A tensor to write.
pub(super) struct Entry {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Bytes,
}

impl Entry {
    pub(super) fn integers(name: String, values: &[i64]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        Self {
            name,
            dtype: Dtype::I64,
            shape: vec![values.len()],
            bytes: Bytes::from_bytes_vec(bytes.collect()),
        }
    }
}

/// The start of a file with these tensors; puts them in the order in which they follow, larger
/// types first so that all are aligned.
pub(super) fn header(entries: &mut [Entry], format: &str) -> Result<Vec<u8>, SparseError> {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.dtype));
    let mut end = 0;
    let infos = entries.iter().map(|entry| {
        let start = end;
        end += entry.bytes.len();
        let info = TensorInfo {
            dtype: entry.dtype,
            shape: entry.shape.clone(),
            data_offsets: (start, end),
        };
        (entry.name.clone(), info)
    });
    let texts = HashMap::from([("format".to_string(), format.to_string())]);
    let wrong = |reason: String| SparseError::Header { reason };
    let metadata = Metadata::new(Some(texts), infos.collect()).map_err(|e| wrong(e.to_string()))?;
    let mut text = serde_json::to_vec(&metadata).map_err(|error| wrong(error.to_string()))?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.append(&mut text);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;

    #[test]
    fn a_file_is_byte_for_byte_what_the_safetensors_crate_writes() {
        let mut entries = vec![
            Entry {
                name: "a".to_string(),
                dtype: Dtype::U8,
                shape: vec![3],
                bytes: Bytes::from_bytes_vec(vec![1, 2, 3]),
            },
            Entry::integers("b".to_string(), &[4, -5]),
        ];
        let view = |entry: &Entry| {
            let bytes = entry.bytes.to_vec().leak();
            let view = TensorView::new(entry.dtype, entry.shape.clone(), bytes);
            (entry.name.clone(), view.unwrap())
        };
        let views: Vec<_> = entries.iter().map(view).collect();
        let texts = HashMap::from([("format".to_string(), "pt".to_string())]);
        let expected = safetensors::serialize(views, Some(texts)).unwrap();
        let mut bytes = header(&mut entries, "pt").unwrap();
        for entry in &entries {
            bytes.extend_from_slice(&entry.bytes);
        }
        assert_eq!(bytes, expected);
    }
}
