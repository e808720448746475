//! The replay program: what it prints and how it exits.
#![allow(clippy::unwrap_used)] // a test may fail that way

use std::path::{Path, PathBuf};
use std::process::Command;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/seven_s3405_odd.safetensors")
}

/// The exit code, the last line of the output and the errors.
fn replay(file: &Path) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_replay"))
        .arg(file)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let last = text(output.stdout)
        .lines()
        .last()
        .unwrap_or_default()
        .to_string();
    (output.status.code().unwrap(), last, text(output.stderr))
}

#[test]
fn a_stream_that_is_followed_exits_0_with_a_summary() {
    let (code, last, _) = replay(&golden());
    assert_eq!(code, 0);
    assert!(
        last.starts_with("mask_mismatches=0 max_rel_score_error="),
        "{last}"
    );
}

#[test]
fn a_stream_that_differs_exits_1_with_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("changed.safetensors");
    let mut bytes = std::fs::read(golden()).unwrap();
    let (header, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let mask = metadata.info("layers.0/mask/0003").unwrap().data_offsets.0;
    bytes[8 + header + mask] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (code, last, _) = replay(&file);
    assert_eq!(code, 1);
    assert!(last.starts_with("mask_mismatches=2 "), "{last}");
}

#[test]
fn a_truncated_or_missing_stream_exits_2_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("half.safetensors");
    let bytes = std::fs::read(golden()).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let (code, last, error) = replay(&file);
    assert_eq!((code, last.as_str()), (2, ""));
    assert!(
        error.contains("not a safetensors file, or truncated"),
        "{error}"
    );
    let (code, _, error) = replay(&folder.path().join("none"));
    assert_eq!(code, 2);
    assert!(error.contains("No such file"), "{error}");
}
