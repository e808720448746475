//! What the examples share: one folder an example that needs more than its one file.

pub mod digits;
pub mod finetune;
pub mod report;
pub mod scorer_name;
