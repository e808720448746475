//! PLATON: scored every step, in windows, and on weights that the optimizer has moved.

use burn_seven::internals::Selector;
use burn_seven::{Entries, Floor, GlobalBudget, PlatonScorerConfig, Sparsity};
use burn_seven_tests::devices;

use super::record::{LAYERS, equal, floats, fold, parse, same_masks, steps, values};

fn check(json: &str, window: usize) {
    let record = parse(json);
    for device in devices() {
        let mut scorer = PlatonScorerConfig::new()
            .with_beta_1(0.85)
            .with_beta_2(0.95)
            .with_window(window)
            .init();
        let selector = Selector::new(GlobalBudget, Entries).with_floor(Floor::Entries(0));
        let mut masks = None;
        for (index, step) in steps(&record).iter().enumerate() {
            let scores = fold(&mut scorer, step, &device);
            // Before the first window ends, the library scores by what it has so far.
            if index + 1 >= window {
                for (ours, layer) in values(&scores).iter().zip(LAYERS) {
                    let recorded = floats(&step[layer]["score"]);
                    equal(ours, &recorded, 1e-5, &format!("{layer}, step {index}"));
                }
            }
            if step["choose"] == true {
                let current = masks.unwrap_or_else(|| scores.dense_masks());
                let density = step["density"].as_f64().unwrap();
                let sparsity = Sparsity::new(1.0 - density).unwrap();
                let chosen = selector.select(&scores, &current, sparsity, true).unwrap();
                let kept = step["kept"].as_u64().unwrap() as usize;
                assert_eq!(chosen.masks.kept(), kept);
                same_masks(&chosen.masks, step);
                masks = Some(chosen.masks);
            }
        }
        assert!(masks.is_some());
    }
}

#[test]
fn scores_of_every_step_are_the_recorded_ones() {
    check(include_str!("../../references/platon_every_step.json"), 1);
}

#[test]
fn scores_of_windows_are_the_recorded_ones() {
    check(include_str!("../../references/platon_windows.json"), 3);
}

#[test]
fn scores_of_moved_weights_are_the_recorded_ones() {
    check(include_str!("../../references/platon_after_step.json"), 1);
}
