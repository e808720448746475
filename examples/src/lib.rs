//! What the examples share: one folder an example that needs more than its one file.

pub mod bert;
pub mod capped;
pub mod data_error;
pub mod digits;
pub mod finetune;
pub mod images;
pub mod metrics;
pub mod report;
pub mod scorer_name;
pub mod shrinking;
pub mod task_name;
pub mod texts;
