//! Files and masks from any bytes.
#![no_main]

use burn::tensor::Device;
use burn_seven_fuzz::{Small, sparse_file};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static MODEL: Small = Small::new(&Device::default());
}

fuzz_target!(|bytes: &[u8]| MODEL.with(|model| sparse_file(bytes, model, &Device::default())));
