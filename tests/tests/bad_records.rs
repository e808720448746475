//! Records that are truncated, damaged, foreign or of another pruner are refused.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod common;

use burn::module::Module;
use burn::tensor::Bytes;
use burn_pack::{Reader, Scalar, Writer};
use burn_seven::{
    CubicSchedule, Error, MagnitudeScorerConfig, MaskMode, PrunerConfig, PrunerRecord,
    SevenScorerConfig, UniformBudget,
};
use burn_seven_tests::model::Net;

use common::*;

#[test]
fn records_of_other_hyperparameters() {
    let (mut pruner, model, _) = running();
    let plain = Net::new(1, &device());
    let before = state(&pruner);
    let seven = SevenScorerConfig::new();
    let others = [
        (
            config(),
            seven.clone().with_alpha_2(0.5),
            "scorer's alpha_2",
        ),
        (
            config().with_floor(burn_seven::Floor::Entries(2)),
            seven.clone(),
            "pruner's floor",
        ),
        (config().with_budget(UniformBudget), seven.clone(), "budget"),
        (
            config().with_mode(MaskMode::AfterStep),
            seven.clone(),
            "pruner's mode",
        ),
        (
            PrunerConfig::new(CubicSchedule::new(0..4, sparsity(0.5)).with_initial(sparsity(0.3))),
            seven.clone(),
            "schedule's initial",
        ),
        (
            PrunerConfig::new(CubicSchedule::new(0..4, sparsity(0.5)).with_interval(3)),
            seven,
            "schedule's interval",
        ),
    ];
    for (config, scorer, expected) in others {
        let record = config.init(scorer.init(), &plain).unwrap().to_record();
        let error = pruner.load_record(record).unwrap_err();
        assert!(
            matches!(&error, Error::RecordMismatch { what, .. } if what == expected),
            "{expected}: {error}"
        );
        assert_eq!(state(&pruner), before);
    }
    drop(model);
}

#[test]
fn a_record_with_an_absurd_step() {
    let (mut pruner, _, _) = running();
    let reader = Reader::from_bytes(pruner.to_record().into_bytes().unwrap()).unwrap();
    let (scalars, texts) = (reader.scalars().clone(), reader.metadata().clone());
    let mut writer = Writer::new(reader.into_tensors().unwrap());
    for (name, value) in scalars {
        let value = if name == "step" {
            Scalar::from(u64::MAX)
        } else {
            value
        };
        writer = writer.with_scalar(&name, value);
    }
    for (name, text) in texts {
        writer = writer.with_metadata(&name, &text);
    }
    let record = PrunerRecord::from_bytes(writer.into_bytes().unwrap()).unwrap();
    let error = pruner.load_record(record).unwrap_err();
    assert!(
        matches!(&error, Error::RecordMismatch { what, .. } if what == "step"),
        "{error}"
    );
}

#[test]
fn records_that_are_truncated_or_foreign() {
    let (mut pruner, model, _) = running();
    let before = state(&pruner);
    let bytes = before.clone();
    for length in [0, 3, 10, 100, bytes.len() / 2, bytes.len() - 1] {
        let cut = Bytes::from_bytes_vec(bytes[..length].to_vec());
        let loaded = PrunerRecord::from_bytes(cut);
        assert!(
            matches!(loaded, Err(Error::Record { .. })),
            "{length}: {loaded:?}"
        );
    }
    let noise: Vec<u8> = (0..500u32).map(|i| (i * i % 251) as u8).collect();
    assert!(PrunerRecord::from_bytes(Bytes::from_bytes_vec(noise)).is_err());
    // A model's record is a burnpack file too, but not of a pruner.
    let foreign = model.into_record().into_bytes().unwrap();
    let error = PrunerRecord::from_bytes(foreign).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record's kind is none, but burn-seven pruner was expected"
    );

    let folder = tempfile::tempdir().unwrap();
    assert!(PrunerRecord::load(folder.path().join("none.bpk")).is_err());

    // Of another model, scorer or schedule.
    let other = |config: PrunerConfig| config.init(MagnitudeScorerConfig::new().init(), &layers(2));
    let record = other(config()).unwrap().to_record();
    let error = pruner.load_record(record).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record's scorer is magnitude, but seven was expected"
    );
    let seven = |config: PrunerConfig| config.init(SevenScorerConfig::new().init(), &layers(2));
    let error = pruner
        .load_record(seven(config()).unwrap().to_record())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record's number of weights is 2, but 3 was expected"
    );
    let longer = PrunerConfig::new(CubicSchedule::new(0..9, sparsity(0.5)));
    let error = pruner
        .load_record(seven(longer).unwrap().to_record())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record's schedule's ramp is {\"end\":9,\"start\":0}, but {\"end\":4,\"start\":0} was expected"
    );
    assert_eq!(state(&pruner), before);
}

#[test]
fn a_record_with_any_byte_changed_never_panics() {
    let (mut pruner, model, grads) = running();
    let bytes = state(&pruner);
    // All of the header and metadata, and samples of the tensors.
    let places = (0..bytes.len()).filter(|&place| place < 2600 || place % 97 == 0);
    for place in places {
        let mut changed = bytes.clone();
        changed[place] ^= 0x5a;
        if let Ok(record) = PrunerRecord::from_bytes(Bytes::from_bytes_vec(changed)) {
            let mut target = pruner.clone();
            if target.load_record(record).is_ok() {
                let _ = target.step(model.clone(), &grads);
            }
        }
    }
    let good = PrunerRecord::from_bytes(Bytes::from_bytes_vec(bytes)).unwrap();
    assert!(pruner.load_record(good).is_ok());
}

#[test]
fn masks_of_another_model() {
    let (pruner, _, _) = running();
    let masks = pruner.masks().clone();
    let (_, error) = masks.apply(layers(1)).unwrap_err().into_parts();
    assert_eq!(
        error,
        Error::WeightMissing {
            path: "first.weight".to_string()
        }
    );
}

/// A statistic that became NaN in the file would rank above all others for ever.
#[test]
fn a_record_with_a_nan_statistic() {
    let (mut pruner, _, _) = running();
    let before = state(&pruner);
    let scores = pruner.scores().unwrap();
    let scores = scores.iter().next().unwrap().value().clone();
    let scores = scores.try_into_vec_as::<f32>().unwrap();
    let largest = scores.into_iter().fold(0f32, f32::max).to_le_bytes();
    let mut bytes = before.clone();
    let at = bytes.windows(4).position(|window| window == largest);
    bytes[at.unwrap()..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let record = PrunerRecord::from_bytes(Bytes::from_bytes_vec(bytes)).unwrap();
    let error = pruner.load_record(record).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the statistic of weight first.weight holds a NaN or infinite value"
    );
    assert_eq!(state(&pruner), before);
}
