//! The container of everything that is written to disk: named tensors, scalars and texts in a
//! burnpack file, with what it is and its version.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{Bytes, TensorData};
use burn_pack::{Reader, Scalar, Writer};

use crate::Error;

/// The version of all layouts below. Readers refuse later ones.
const VERSION: usize = 2;

/// What a file holds. Tensor names are unique.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pack {
    pub tensors: Vec<(String, TensorData)>,
    pub scalars: BTreeMap<String, Scalar>,
    pub texts: BTreeMap<String, String>,
}

impl Pack {
    pub(crate) fn into_bytes(self, kind: &str) -> Result<Bytes, Error> {
        Ok(self.into_writer(kind).into_bytes()?)
    }

    pub(crate) fn save(self, kind: &str, path: impl AsRef<Path>) -> Result<(), Error> {
        Ok(self.into_writer(kind).write_to_file(path)?)
    }

    pub(crate) fn from_bytes(bytes: Bytes, kind: &str) -> Result<Self, Error> {
        Self::from_reader(Reader::from_bytes(bytes)?, kind)
    }

    pub(crate) fn load(path: impl AsRef<Path>, kind: &str) -> Result<Self, Error> {
        Self::from_reader(Reader::from_file(path)?, kind)
    }

    fn into_writer(self, kind: &str) -> Writer {
        let tensors = self.tensors.into_iter().map(|(name, data)| {
            let (bytes, shape, dtype) = data.into_parts();
            burn_pack::Tensor::new(name, dtype, shape, None, bytes)
        });
        let mut writer = Writer::new(tensors.collect())
            .with_metadata("kind", kind)
            .with_scalar("version", Scalar::from(VERSION));
        for (key, value) in &self.scalars {
            writer = writer.with_scalar(key, *value);
        }
        for (key, value) in &self.texts {
            writer = writer.with_metadata(key, value);
        }
        writer
    }

    fn from_reader(reader: Reader, kind: &str) -> Result<Self, Error> {
        let scalars = reader.scalars().clone();
        let texts = reader.metadata().clone();
        let found = texts.get("kind").map_or("none", String::as_str);
        if found != kind {
            return Err(mismatch("kind", kind, found));
        }
        let mut tensors = Vec::new();
        for tensor in reader.into_tensors()? {
            let (name, dtype, shape, _, bytes) = tensor.into_parts()?;
            let data = TensorData::try_from_bytes(bytes, shape, dtype);
            let data = data.map_err(|error| Error::Record {
                reason: format!("tensor {name}: {error}"),
            })?;
            tensors.push((name, data));
        }
        let pack = Self {
            tensors,
            scalars,
            texts,
        };
        let version = pack.count("version")?;
        if version > VERSION {
            return Err(mismatch("version", format!("at most {VERSION}"), version));
        }
        Ok(pack)
    }

    /// A whole number that has to be there.
    pub(crate) fn count(&self, name: &str) -> Result<usize, Error> {
        self.scalar(name, "a whole number")
    }

    /// A scalar that has to be there, of a type described by `expected`.
    pub(crate) fn scalar<T: TryFrom<Scalar>>(
        &self,
        name: &str,
        expected: &str,
    ) -> Result<T, Error> {
        let found = self
            .scalars
            .get(name)
            .ok_or_else(|| mismatch(name, expected, "missing"))?;
        T::try_from(*found).map_err(|_| mismatch(name, expected, format!("{found:?}")))
    }

    /// A text that has to be there.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Error> {
        let found = self.texts.get(name).map(String::as_str);
        found.ok_or_else(|| mismatch(name, "a text", "missing"))
    }

    /// Takes the tensors whose names start with `prefix`.
    pub(crate) fn take_tensors(&mut self, prefix: &str) -> Vec<(String, TensorData)> {
        let all = std::mem::take(&mut self.tensors);
        let (taken, left) = all
            .into_iter()
            .partition(|(name, _)| name.starts_with(prefix));
        self.tensors = left;
        taken
    }
}

/// The record's `what` is `found`, not `expected`.
pub(crate) fn mismatch(
    what: impl Into<String>,
    expected: impl ToString,
    found: impl ToString,
) -> Error {
    Error::RecordMismatch {
        what: what.into(),
        expected: expected.to_string(),
        found: found.to_string(),
    }
}
