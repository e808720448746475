//! A pruner's record from any bytes.
#![no_main]

use burn::tensor::Device;
use burn_seven_core::MaskMode;
use burn_seven_fuzz::{Running, pruner_record};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static RUNNING: [Running; 2] = [MaskMode::InGraph, MaskMode::AfterStep].map(|mode| {
        Running::new(mode, &Device::default()).expect("the pruner should fit its model")
    });
}

fuzz_target!(|bytes: &[u8]| RUNNING.with(|[graph, after]| {
    pruner_record(bytes, graph);
    pruner_record(bytes, after);
}));
