//! The seeds of the fuzz targets are what the library writes, and run through the targets' functions.
//!
//! `BURN_SEVEN_WRITE_SEEDS=1 cargo test --test fuzz_seeds` writes them anew.
#![allow(clippy::unwrap_used)] // a test may fail that way

#[path = "common/sparse.rs"]
mod common;

use std::path::PathBuf;

use burn_seven::sparse::{FloatType, Names, SaveConfig, save_masks};
use burn_seven::{MaskMode, Masks, Selection};

use common::fuzz::{Running, Small, pruner_record, sparse_file};
use common::*;

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    // Flex, as the targets have it: seeds do not depend on the device, but let one be named.
    let device = burn_seven_flex::device();
    let model = Small::new(&device);
    let config = SaveConfig::new();
    let bytes = |config: SaveConfig| config.to_bytes(&model).unwrap().0;
    let masks = Masks::of_model(&model, &Selection::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("masks");
    save_masks(&masks, &path).unwrap();
    let record = |mode| {
        let running = Running::new(mode, &device).unwrap();
        running.pruner.to_record().into_bytes().unwrap().to_vec()
    };
    vec![
        ("sparse_file/f32", bytes(config)),
        ("sparse_file/f16", bytes(config.with_dtype(FloatType::F16))),
        (
            "sparse_file/bf16",
            bytes(config.with_dtype(FloatType::BF16)),
        ),
        ("sparse_file/burn", bytes(config.with_names(Names::Burn))),
        ("sparse_file/dense", bytes(config.with_dense(true))),
        ("sparse_file/masks", std::fs::read(&path).unwrap()),
        ("sparse_file/empty", file("{}", &[])),
        ("pruner_record/in_graph", record(MaskMode::InGraph)),
        ("pruner_record/after_step", record(MaskMode::AfterStep)),
    ]
}

#[test]
fn seeds_are_what_the_library_writes() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (name, bytes) in seeds() {
        let path = folder.join(name);
        if std::env::var_os("BURN_SEVEN_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name}");
    }
}

#[test]
fn seeds_are_read() {
    let device = burn_seven_flex::device();
    let model = Small::new(&device);
    let running =
        [MaskMode::InGraph, MaskMode::AfterStep].map(|mode| Running::new(mode, &device).unwrap());
    for (name, bytes) in seeds() {
        sparse_file(&bytes, &model, &device);
        running
            .iter()
            .for_each(|running| pruner_record(&bytes, running));
        if name.ends_with("f32") {
            let again = read(&model, bytes).unwrap();
            assert_eq!(values(&again), values(&model));
        }
    }
}
