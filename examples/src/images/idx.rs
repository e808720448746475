//! The IDX format: a magic number, sizes, and bytes.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use super::DataError;

/// Bytes of `DIMS` dimensions.
#[derive(Debug)]
pub(super) struct Idx<const DIMS: usize> {
    /// The sizes; their product is the number of bytes.
    pub shape: [usize; DIMS],
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl<const DIMS: usize> Idx<DIMS> {
    /// Reads a file, gzipped if its name ends on `.gz`. Memory is taken as bytes come, whatever
    /// the header says.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::try_read(path).map_err(|source| DataError::Io {
            path: path.to_owned(),
            source,
        })?
    }

    fn try_read(path: &Path) -> io::Result<Result<Self, DataError>> {
        let file = BufReader::new(File::open(path)?);
        let mut reader: Box<dyn Read> = if path.extension().is_some_and(|end| end == "gz") {
            Box::new(GzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let length = |expected, found| DataError::Length {
            path: path.to_owned(),
            expected,
            found,
        };
        let size = 4 + 4 * DIMS as u64;
        let header = take(&mut reader, size)?;
        let mut words = header.chunks_exact(4).map(big_endian);
        // 8 is the code of unsigned bytes.
        let expected = 0x0800 + DIMS as u32;
        match words.next() {
            Some(found) if found != expected => {
                return Ok(Err(DataError::Magic {
                    path: path.to_owned(),
                    expected,
                    found,
                }));
            }
            Some(_) if header.len() as u64 == size => {}
            _ => return Ok(Err(length(size, header.len() as u64))),
        }
        let mut shape = [0; DIMS];
        let mut count: u64 = 1;
        for (size, word) in shape.iter_mut().zip(words) {
            *size = word as usize;
            count = count.saturating_mul(u64::from(word));
        }
        let bytes = take(&mut reader, count)?;
        let rest = io::copy(&mut reader, &mut io::sink())?;
        let found = bytes.len() as u64 + rest;
        if found != count {
            return Ok(Err(length(size.saturating_add(count), size + found)));
        }
        Ok(Ok(Self { shape, bytes }))
    }
}

/// At most `count` bytes.
fn take(reader: &mut impl Read, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn big_endian(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |value, byte| (value << 8) | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const DIMS: usize>(bytes: &[u8]) -> Result<Idx<DIMS>, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some-idx");
        std::fs::write(&path, bytes).unwrap();
        Idx::read(&path)
    }

    fn refused<const DIMS: usize>(bytes: &[u8], expected: &str) {
        let error = read::<DIMS>(bytes).expect_err("refused").to_string();
        assert!(error.contains("some-idx"), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn sizes_are_big_endian_and_come_before_the_bytes() -> Result<(), DataError> {
        let idx = read::<2>(&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 7, 9])?;
        assert_eq!((idx.shape, idx.bytes), ([2, 1], vec![7, 9]));
        let large = [&[0, 0, 8, 1, 0, 0, 1, 2][..], &[5; 258]].concat();
        assert_eq!(read::<1>(&large)?.shape, [258]);
        Ok(())
    }

    #[test]
    fn wrong_files_are_refused_with_both_values() {
        let magic = "magic number is 0x00000803, but should be 0x00000801";
        refused::<1>(&[0, 0, 8, 3, 0, 0, 0, 1, 7], magic);
        refused::<1>(
            &[0, 0, 8, 1, 0, 0, 0, 2, 7],
            "9 bytes (unpacked), but its header asks for 10",
        );
        refused::<1>(&[0, 0, 8, 1, 0, 0, 0, 1, 7, 7, 7], "11 bytes (unpacked)");
        refused::<1>(
            &[0, 0, 8, 1, 0, 0],
            "6 bytes (unpacked), but its header asks for 8",
        );
        refused::<1>(&[], "0 bytes (unpacked), but its header asks for 8");
    }

    #[test]
    fn a_header_that_asks_for_everything_is_refused_without_memory() {
        let header = [&[0, 0, 8, 3][..], &[255; 12], &[7]].concat();
        refused::<3>(&header, "17 bytes (unpacked)");
    }
}
