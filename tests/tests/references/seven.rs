//! SEVEN and its variants on recorded streams.

use burn_seven::scorer::Scorer;
use burn_seven::{
    HedgeScorerConfig, MeanGradientScorerConfig, ModuleScorer, SevenMoment, SevenScorerConfig,
};
use burn_seven_tests::devices;
use serde_json::Value;

use super::record::{LAYERS, close, equal, floats, fold, parse, steps, values};

const RECORD: &str = include_str!("../../references/seven_variants.json");

/// Scores of every step beside those that `recorded` finds in a layer's entry.
fn check<S: Scorer>(
    scorer: &ModuleScorer<S>,
    recorded: impl Fn(&Value) -> &Value,
    compare: impl Fn(&[f32], &[f32], f32, &str),
) {
    let record = parse(RECORD);
    for device in devices() {
        let mut scorer = scorer.clone();
        for step in steps(&record) {
            let scores = fold(&mut scorer, step, &device);
            for (ours, layer) in values(&scores).iter().zip(LAYERS) {
                let recorded = floats(recorded(&step[layer]));
                assert!(!recorded.is_empty());
                compare(ours, &recorded, 1e-5, &format!("{layer}, {}", step["step"]));
            }
        }
    }
}

#[test]
fn seven_is_as_recorded() {
    let scorer = SevenScorerConfig::new().init();
    check(&scorer, |layer| &layer["seven"], equal);
}

#[test]
fn the_signed_moment_is_as_recorded() {
    let config = SevenScorerConfig::new()
        .with_moment(SevenMoment::Signed)
        .with_alpha_1(0.95)
        .with_alpha_2(0.95);
    check(&config.init(), |layer| &layer["signed_moment"], equal);
}

// Where gradients of both signs cancel, the error is of the size of the terms.
#[test]
fn the_mean_gradient_is_as_recorded() {
    let scorer = MeanGradientScorerConfig::new().init();
    check(&scorer, |layer| &layer["mean_gradient"], close);
}

#[test]
fn the_hedge_is_as_recorded_for_every_beta() {
    for beta in ["0.0", "0.25", "0.5", "1.0"] {
        let config = HedgeScorerConfig::new().with_beta(beta.parse().unwrap());
        check(&config.init(), |layer| &layer["hedge"][beta], equal);
    }
}

#[test]
fn scores_normalized_by_layer_are_as_recorded_for_every_gamma() {
    for gamma in ["0.0", "0.5", "1.0"] {
        let config = SevenScorerConfig::new().with_layer_norm(gamma.parse().unwrap());
        check(
            &config.init(),
            |layer| &layer["layer_normalized"][gamma],
            equal,
        );
    }
}
