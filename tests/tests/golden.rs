//! Recorded streams of an independent PyTorch implementation, made as tests/golden/README.md says.
#![allow(clippy::unwrap_used)] // a test may fail that way

use std::path::PathBuf;

use burn_seven_tests::devices;
use burn_seven_tests::replay::{ReplayError, replay, replay_file};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name)
}

fn follows(name: &str, steps: usize) {
    for device in devices() {
        let outcome = replay_file(&golden(name), &device).unwrap();
        assert_eq!(outcome.steps.len(), steps);
        assert!(
            outcome.passes(),
            "{name} on {device:?}: {:?}",
            outcome.steps
        );
    }
}

#[test]
fn seven_follows_its_stream() {
    follows("seven_s3404.safetensors", 39);
}

#[test]
fn seven_follows_its_stream_of_odd_shapes() {
    follows("seven_s3405_odd.safetensors", 24);
}

#[test]
fn platon_follows_its_stream() {
    follows("platon_s3404.safetensors", 39);
}

#[test]
fn first_order_sensitivity_follows_its_stream() {
    follows("first_order_s3404.safetensors", 39);
}

/// The place of a tensor's bytes in a stream.
fn place(bytes: &[u8], tensor: &str) -> std::ops::Range<usize> {
    let (header, metadata) = safetensors::SafeTensors::read_metadata(bytes).unwrap();
    let info = metadata.info(tensor).unwrap();
    let start = 8 + header;
    start + info.data_offsets.0..start + info.data_offsets.1
}

#[test]
fn a_changed_score_does_not_pass() {
    let mut bytes = std::fs::read(golden("seven_s3404.safetensors")).unwrap();
    let place = place(&bytes, "layers.1/score/0000");
    let score = f32::from_le_bytes(bytes[place.start..place.start + 4].try_into().unwrap());
    bytes[place.start..place.start + 4].copy_from_slice(&(score * 1.0001).to_le_bytes());
    let outcome = replay(&bytes, &devices()[0]).unwrap();
    assert!(!outcome.passes());
    assert!(
        (5e-5..2e-4).contains(&outcome.score_error()),
        "{}",
        outcome.score_error()
    );
}

#[test]
fn a_changed_mask_does_not_pass() {
    let mut bytes = std::fs::read(golden("seven_s3404.safetensors")).unwrap();
    let place = place(&bytes, "layers.0/mask/0010");
    let kept = bytes[place.clone()]
        .iter()
        .position(|&kept| kept == 1)
        .unwrap();
    bytes[place.start + kept] = 0;
    let outcome = replay(&bytes, &devices()[0]).unwrap();
    assert!(!outcome.passes());
    assert_eq!(outcome.mismatches(), 2); // the entry, and the count
}

#[test]
fn a_nan_score_does_not_pass() {
    let mut bytes = std::fs::read(golden("seven_s3404.safetensors")).unwrap();
    let place = place(&bytes, "layers.1/score/0003");
    bytes[place.start..place.start + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(!replay(&bytes, &devices()[0]).unwrap().passes());
}

#[test]
fn one_weight_too_many_at_the_threshold_does_not_pass() {
    let mut bytes = std::fs::read(golden("seven_s3404.safetensors")).unwrap();
    let mut pruned = Vec::new();
    for layer in ["layers.0", "layers.1"] {
        let scores = place(&bytes, &format!("{layer}/score/0005"));
        let masks = place(&bytes, &format!("{layer}/mask/0005"));
        for (index, score) in bytes[scores].as_chunks::<4>().0.iter().enumerate() {
            if bytes[masks.start + index] == 0 {
                pruned.push((f32::from_le_bytes(*score), masks.start + index));
            }
        }
    }
    let best = pruned.into_iter().max_by(|a, b| a.0.total_cmp(&b.0));
    bytes[best.unwrap().1] = 1;
    assert_eq!(replay(&bytes, &devices()[0]).unwrap().mismatches(), 1);
}

#[test]
fn what_is_no_stream_is_refused() {
    let device = &devices()[0];
    let bytes = std::fs::read(golden("seven_s3404.safetensors")).unwrap();
    for length in [0, 4, 8, 1000, bytes.len() - 1] {
        let error = replay(&bytes[..length], device).unwrap_err();
        assert!(matches!(error, ReplayError::Format(_)), "{length}: {error}");
    }
    assert!(matches!(
        replay(b"# not a stream", device),
        Err(ReplayError::Format(_))
    ));

    let other = safetensors::serialize(
        Vec::<(String, safetensors::tensor::TensorView)>::new(),
        None,
    );
    assert!(matches!(
        replay(&other.unwrap(), device),
        Err(ReplayError::NotAStream(_))
    ));
    assert!(matches!(
        replay_file(&golden("no such file"), device),
        Err(ReplayError::Io { .. })
    ));
}
