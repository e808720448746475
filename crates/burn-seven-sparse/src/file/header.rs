//! The header of a safetensors file, read without trust.
//!
//! The `safetensors` crate keeps the last of two tensors with one name and adds offsets up before
//! it has compared them with the file, so what it is given has passed here first.

use std::collections::BTreeMap;
use std::fmt;

use safetensors::Dtype;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use crate::SparseError;

/// Where `format` and the like are.
const METADATA: &str = "__metadata__";
/// More dimensions than any tensor has.
pub(super) const MAX_RANK: usize = 16;
/// Bytes of the length that a file starts with.
const LENGTH: usize = 8;

/// What the header says of one tensor.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Info {
    #[allow(dead_code)] // checked by the crate that reads the file
    dtype: Dtype,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// A header, with the first name that is there twice.
#[derive(Debug, Default)]
struct Header {
    metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Info>,
    twice: Option<String>,
}

/// Checks the header of a file; gives its metadata.
pub(super) fn check(bytes: &[u8]) -> Result<BTreeMap<String, String>, SparseError> {
    let found = bytes.len();
    let short = |expected: u128| SparseError::Length { expected, found };
    let length = bytes.first_chunk::<LENGTH>();
    let length = u64::from_le_bytes(*length.ok_or_else(|| short(LENGTH as u128))?);
    let rest = bytes.get(LENGTH..).unwrap_or_default();
    let split = usize::try_from(length).ok();
    let (text, data) = split
        .and_then(|length| rest.split_at_checked(length))
        .ok_or_else(|| short(LENGTH as u128 + u128::from(length)))?;
    let header: Header = serde_json::from_slice(text).map_err(|error| SparseError::Header {
        reason: error.to_string(),
    })?;
    if let Some(name) = header.twice {
        return Err(SparseError::DuplicateName { name });
    }
    for (name, info) in &header.tensors {
        if info.shape.len() > MAX_RANK {
            let expected = format!("at most {MAX_RANK}");
            let rank = info.shape.len();
            return Err(SparseError::malformed(name, "rank", expected, rank));
        }
        let (start, end) = info.data_offsets;
        if start > end || end > data.len() {
            let (expected, found) = (
                format!("within 0..{}", data.len()),
                format!("{start}..{end}"),
            );
            return Err(SparseError::malformed(name, "place", expected, found));
        }
    }
    Ok(header.metadata)
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of tensors")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut header = Header::default();
                let mut metadata = None;
                while let Some(name) = map.next_key::<String>()? {
                    let again = if name == METADATA {
                        metadata
                            .replace(map.next_value::<Option<Texts>>()?)
                            .is_some()
                    } else {
                        header
                            .tensors
                            .insert(name.clone(), map.next_value()?)
                            .is_some()
                    };
                    if again {
                        header.twice.get_or_insert(name);
                    }
                }
                header.metadata = metadata.flatten().unwrap_or_default().0;
                Ok(header)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// The metadata: texts, each key once.
#[derive(Debug, Default)]
struct Texts(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Texts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut texts = BTreeMap::new();
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    if texts.insert(key.clone(), text).is_some() {
                        return Err(A::Error::custom(format!(
                            "{key:?} is in the metadata twice"
                        )));
                    }
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    fn message(header: &str, data: usize) -> String {
        check(&file(header, data)).unwrap_err().to_string()
    }

    #[test]
    fn metadata_is_what_the_header_says() {
        let metadata = check(&file(r#"{"__metadata__":{"format":"pt"}}"#, 0)).unwrap();
        assert_eq!(metadata.get("format").map(String::as_str), Some("pt"));
        assert!(
            check(&file(r#"{"__metadata__":null}"#, 0))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_file_that_is_too_short_says_so() {
        assert!(matches!(
            check(&[0; 7]),
            Err(SparseError::Length {
                expected: 8,
                found: 7
            })
        ));
        let mut bytes = file("{}", 0);
        bytes[0] = 200;
        assert!(matches!(
            check(&bytes),
            Err(SparseError::Length { expected: 208, .. })
        ));
        bytes[..8].fill(0xff);
        assert!(matches!(check(&bytes), Err(SparseError::Length { .. })));
    }

    #[test]
    fn names_that_are_there_twice_are_refused() {
        let a = r#""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#;
        assert!(matches!(
            check(&file(&format!("{{{a},{a}}}"), 1)),
            Err(SparseError::DuplicateName { name }) if name == "a"
        ));
        let text = message(r#"{"__metadata__":{"format":"pt","format":"pt"}}"#, 0);
        assert!(text.contains("twice"), "{text}");
        assert!(matches!(
            check(&file(r#"{"__metadata__":{},"__metadata__":{}}"#, 0)),
            Err(SparseError::DuplicateName { .. })
        ));
    }

    /// Eight tensors of nearly 2^61 bytes end where adding the header's length overflows.
    #[test]
    fn places_outside_the_file_are_refused() {
        let text = message(
            r#"{"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}"#,
            8,
        );
        assert_eq!(
            text,
            r#"the place of "a" is 0..9, but should be within 0..8"#
        );
        let size = (1u64 << 61) - 1;
        let tensor = |i: u64| {
            format!(
                r#""{i}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{},{}]}}"#,
                i * size,
                (i + 1) * size
            )
        };
        let tensors: Vec<String> = (0..8).map(tensor).collect();
        let text = message(&format!("{{{}}}", tensors.join(",")), 0);
        assert!(text.contains("within 0..0"), "{text}");
    }

    #[test]
    fn other_json_is_refused() {
        for header in [
            "[]",
            "{",
            "1",
            r#"{"a":1}"#,
            r#"{"a":{"dtype":"F7","shape":[],"data_offsets":[0,4]}}"#,
            r#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}"#,
            r#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":[]}}"#,
            r#"{"__metadata__":{"format":1}}"#,
        ] {
            assert!(
                matches!(check(&file(header, 0)), Err(SparseError::Header { .. })),
                "{header}"
            );
        }
        let shape = vec!["1"; 17].join(",");
        let text = message(
            &format!(r#"{{"a":{{"dtype":"U8","shape":[{shape}],"data_offsets":[0,1]}}}}"#),
            1,
        );
        assert!(text.contains("at most 16"), "{text}");
    }
}
