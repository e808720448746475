//! What cannot work is refused when a pruner is made, and what custom axes get wrong when they do.
#![allow(clippy::unwrap_used)] // a test may fail that way

mod common;

use burn::module::{Lora, Module, ParamGroup, QLora, Quantizer};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::quantization::{Calibration, QuantValue};
use burn_seven::structure::Units;
use burn_seven::{
    Budget, CubicSchedule, ErkBudget, Error, MagnitudeScorerConfig, MaskMode, ModuleScorer, NofM,
    OneShotSchedule, PrunerConfig, Sample, Score, Scorer, Selection, Structure, UniformBudget,
    Weight, WeightGrads,
};
use burn_seven_tests::model::{Net, gradients};

use common::*;

#[test]
fn nothing_selected() {
    let model = Net::new(1, &device());
    let selection = Selection::new().with_group(ParamGroup::from_predicate("decoder"));
    let error = init(config().with_selection(selection), &model).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no weight is selected: 9 float parameters were seen, 9 not in the group"
    );
    let selection = Selection::new().with_group(ParamGroup::from_predicate("embedding"));
    let error = init(config().with_selection(selection), &model).unwrap_err();
    assert!(error.to_string().contains("1 embedding table"), "{error}");
    assert!(WeightGrads::select(&layers(0), &GradientsParams::new(), &Selection::new()).is_err());
}

#[test]
fn schedules_that_cannot_be() {
    let model = Net::new(1, &device());
    let error = init(
        PrunerConfig::new(CubicSchedule::new(7..7, sparsity(0.5))),
        &model,
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "the schedule's window 7..7 is empty: its end should be after its start"
    );
    #[allow(clippy::reversed_empty_ranges)]
    let backwards = CubicSchedule::new(9..7, sparsity(0.5));
    let error = init(PrunerConfig::new(backwards), &model).unwrap_err();
    assert_eq!(error, Error::EmptySchedule { start: 9, end: 7 });
}

#[test]
fn a_model_that_is_sparser_than_the_target() {
    let (mut pruner, mut model, _) = running();
    for step in 2..4 {
        let grads = gradients(&model, step, &device());
        model = pruner.step(model, &grads).unwrap();
    }
    let sparse = pruner.finish(model).unwrap();
    let config = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.25)));
    let error = init(config, &sparse).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model's sparsity is 0.5 already, more than the schedule's target 0.25"
    );
}

#[test]
fn structures_that_do_not_fit() {
    let model = Net::new(1, &device());
    let half = || PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.5)));
    // 6 inputs do not divide by 4.
    let error = init(half().with_structure(NofM::new(2, 4).unwrap()), &model).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("first.weight [6, 8]: dimension 0 is 6, not a multiple of 4"),
        "{error}"
    );
    // 1:2 is half, not nine tenths; and Erdős-Rényi gives the layers other shares than half.
    let nine = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.9)));
    let error = init(nine.with_structure(NofM::new(1, 2).unwrap()), &model).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("structure 1:2 gives sparsity 0.5, but 0.9"),
        "{error}"
    );
    let erk = half()
        .with_structure(NofM::new(1, 2).unwrap())
        .with_budget(ErkBudget);
    assert!(matches!(
        init(erk, &model),
        Err(Error::QuotaSparsity { .. })
    ));
    assert!(
        init(
            half()
                .with_structure(NofM::new(1, 2).unwrap())
                .with_budget(UniformBudget),
            &model
        )
        .is_ok()
    );
}

#[test]
fn a_minimum_that_leaves_no_room() {
    let model = Net::new(1, &device());
    let config = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.9)))
        .with_floor(burn_seven::Floor::Entries(5));
    assert_eq!(
        init(config, &model).unwrap_err(),
        Error::MinimumTooLarge {
            required: 15,
            kept: 13
        }
    );
}

#[derive(Debug)]
struct Forgetful;

impl Budget for Forgetful {
    fn name(&self) -> String {
        "forgetful".to_string()
    }

    fn allocate(
        &self,
        _goal: burn_seven::budget::Goal,
        _parts: &[burn_seven::budget::Part<'_>],
    ) -> Vec<burn_seven::budget::Pool> {
        vec![]
    }
}

#[derive(Debug)]
struct Greedy(usize, usize);

impl Budget for Greedy {
    fn name(&self) -> String {
        "greedy".to_string()
    }

    fn allocate(
        &self,
        _goal: burn_seven::budget::Goal,
        parts: &[burn_seven::budget::Part<'_>],
    ) -> Vec<burn_seven::budget::Pool> {
        let parts = (0..parts.len() + self.0).collect();
        vec![burn_seven::budget::Pool {
            parts,
            keep: self.1,
        }]
    }
}

#[test]
fn a_custom_budget_that_names_or_keeps_what_is_not_there() {
    let model = Net::new(1, &device());
    let error = init(config().with_budget(Greedy(1, 10)), &model).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a pool names a weight that is not there"),
        "{error}"
    );
    let error = init(config().with_budget(Greedy(0, 137)), &model).unwrap_err();
    assert!(
        error.to_string().contains("its pool keeps 137 of 136"),
        "{error}"
    );
}

/// Units that leave weights out, name them twice, or do not fit them.
#[derive(Debug)]
struct Odd(fn(usize) -> Vec<Units>);

impl Structure for Odd {
    fn name(&self) -> String {
        "odd".to_string()
    }

    fn units(&self, weights: &[&Weight]) -> Result<Vec<Units>, Error> {
        Ok((self.0)(weights.len()))
    }
}

#[test]
fn a_custom_structure_that_is_wrong() {
    let model = Net::new(1, &device());
    type Make = fn(usize) -> Vec<Units>;
    let cases: [(Make, &str); 4] = [
        (|_| Vec::new(), "first.weight: it is in no unit"),
        (
            |_| vec![Units::blocks(0, vec![1, 1]), Units::blocks(0, vec![1, 1])],
            "first.weight: it is there twice",
        ),
        (
            |_| vec![Units::blocks(0, vec![4, 1])],
            "first.weight: blocks of 4 do not divide 6",
        ),
        (
            |_| vec![Units::coupled(vec![(0, vec![6, 1]), (1, vec![1, 1])])],
            "second.weight: it has 64 blocks, and first.weight 8",
        ),
    ];
    for (units, expected) in cases {
        let error = init(config().with_structure(Odd(units)), &model).unwrap_err();
        assert!(matches!(error, Error::InvalidStructure { .. }));
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[derive(Clone, Debug)]
struct Short;

impl Scorer for Short {
    type State = Score;

    fn name(&self) -> &'static str {
        "short"
    }

    fn update(&self, _: Option<Score>, sample: &Sample<'_>) -> Score {
        Score::from(sample.zeros())
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone().narrow(0, 0, 5)
    }
}

#[test]
fn a_custom_scorer_whose_scores_are_too_few() {
    let model = Net::new(1, &device());
    let mut pruner = config().init(ModuleScorer::from(Short), &model).unwrap();
    let model = pruner.attach(model).unwrap();
    let grads = gradients(&model, 0, &device());
    let (model, error) = failed(pruner.step(model, &grads));
    assert_eq!(
        error.to_string(),
        "the score of weight first.weight has shape [5], but [48] was expected"
    );
    assert_eq!(pruner.steps(), 0);
    assert!(pruner.finish_early(model).is_ok());
}

#[derive(Module, Debug)]
struct Tied {
    first: Linear,
    second: Linear,
}

#[test]
fn tied_weights() {
    let first = LinearConfig::new(4, 4).init(&device());
    let second = first.clone();
    let model = Tied { first, second };
    let error = config()
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap_err();
    let (path, other) = ("first.weight".to_string(), "second.weight".to_string());
    assert_eq!(
        error,
        Error::Tied {
            path,
            other,
            left_out: false
        }
    );
}

#[test]
fn a_group_to_leave_out_that_matches_nothing() {
    let model = Net::new(1, &device());
    let selection = Selection::new().without(ParamGroup::from_predicate("haed"));
    let error = init(config().with_selection(selection), &model).unwrap_err();
    assert!(
        matches!(&error, Error::NothingLeftOut { group } if group.contains("haed")),
        "{error}"
    );
}

// Zeros at the top of the first weight leave its first groups of 2 empty: 1:2 cannot be had.
#[test]
fn a_pattern_that_the_zeros_of_a_sparse_model_exclude() {
    let mut model = Net::new(1, &device());
    model.first.weight = model.first.weight.map(|weight| {
        let bottom = weight.clone().narrow(0, 2, 4);
        let top = weight.narrow(0, 0, 2).zeros_like();
        Tensor::cat(vec![top, bottom], 0).detach().require_grad()
    });
    let half = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.5)));
    let error = init(half.with_structure(NofM::new(1, 2).unwrap()), &model).unwrap_err();
    assert!(
        matches!(&error, Error::QuotaOfSparse { path, .. } if path == "first.weight"),
        "{error}"
    );
}

#[test]
fn a_minimum_above_what_a_pattern_leaves() {
    let model = LinearConfig::new(4, 2).init(&device());
    let config = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.75)))
        .with_structure(NofM::new(1, 4).unwrap())
        .with_floor(burn_seven::Floor::Entries(5));
    let error = config
        .init(MagnitudeScorerConfig::new().init(), &model)
        .unwrap_err();
    assert_eq!(
        error,
        Error::MinimumTooLarge {
            required: 5,
            kept: 2
        }
    );
}

#[test]
fn a_schedule_longer_than_any_run() {
    let model = Net::new(1, &device());
    let endless = PrunerConfig::new(OneShotSchedule::new(usize::MAX, sparsity(0.5)));
    assert!(matches!(
        init(endless, &model),
        Err(Error::OutOfRange { .. })
    ));
}

#[test]
fn a_custom_budget_that_forgets_a_weight() {
    let model = Net::new(1, &device());
    let error = init(config().with_budget(Forgetful), &model).unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget forgetful is wrong about weight first.weight: it is in 0 pools, not in 1"
    );
}

#[test]
fn a_lora_base_excludes_masks_in_the_graph() {
    let model = Net::new(1, &device()).apply_lora(Lora::new(2, 4.0));
    let error = init(config(), &model).unwrap_err();
    let path = "embedding.weight".to_string();
    assert_eq!(
        error,
        Error::Reparameterized {
            path,
            kind: "lora".to_string()
        }
    );
}

#[test]
fn a_quantized_base_is_refused_in_both_modes() {
    if burn_seven_tests::backend().as_deref() == Some("tch") {
        eprintln!("not on tch: Burn's libtorch backend cannot quantize");
        return;
    }
    let device = device();
    let scheme = device
        .settings()
        .quantization
        .scheme
        .with_value(QuantValue::Q8S);
    let quantizer = Quantizer::new(Calibration::MinMax, scheme);
    let model = LinearConfig::new(8, 8).init(&device);
    let model = model.apply_qlora(QLora::new(Lora::new(2, 4.0), quantizer));
    let scorer = MagnitudeScorerConfig::new();
    let config = config().with_mode(MaskMode::AfterStep);
    let error = config.init(scorer.init(), &model).unwrap_err();
    assert!(
        matches!(&error, Error::Quantized { path, .. } if path == "weight"),
        "{error}"
    );
}
