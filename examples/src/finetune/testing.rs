//! What the tests of this folder share.

use clap::Parser;

use super::{Layer, Run, Settings};

#[derive(Parser)]
#[command(args_override_self = true)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

/// Settings from a command line without the program's name.
pub(crate) fn settings(args: &[&str]) -> Settings {
    Line::parse_from(std::iter::once(&"finetune").chain(args)).settings
}

/// Something that a run of these settings may give.
pub(crate) fn a_run(settings: Settings) -> Run {
    Run {
        settings,
        metric: "accuracy".to_string(),
        epochs: vec![[("accuracy".to_string(), 0.875)].into()],
        majority: [("accuracy".to_string(), 0.5)].into(),
        losses: vec![(0, 0.693)],
        sparsity: 0.75,
        layers: vec![Layer {
            path: "linear.weight".to_string(),
            total: 8,
            kept: 2,
        }],
        train_size: 4,
        test_size: 8,
        steps: 1,
        seconds: 0.25,
        revision: "unknown".to_string(),
        backend: "none".to_string(),
    }
}
