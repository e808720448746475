//! Every kind of bad input is an error that names the parameter and the values, and leaves model
//! and pruner as they were.
#![allow(clippy::unwrap_used)] // a test may fail that way

use burn::module::{Lora, Module, ModuleMapper, Param, ParamGroup, QLora, Quantizer};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::quantization::{Calibration, QuantValue};
use burn::tensor::{Bytes, Device, FloatDType, Tensor};
use burn_pack::{Reader, Scalar, Writer};
use burn_seven::pattern::Ranked;
use burn_seven::{
    Budget, CubicSchedule, ErkBudget, Error, GlobalBudget, LinearSchedule, MagnitudeScorerConfig,
    MaskMode, Masks, ModuleScorer, NofM, NonFinitePolicy, OneShotSchedule, Pattern, Pruner,
    PrunerConfig, PrunerRecord, Score, Scorer, Selection, Selector, SevenScorerConfig, Sparsity,
    UniformBudget, WeightGrads,
};
use burn_seven_tests::devices;
use burn_seven_tests::model::{Net, adamw, gradients};

fn device() -> Device {
    burn_seven::device().autodiff()
}

fn sparsity(value: f64) -> Sparsity {
    Sparsity::new(value).unwrap()
}

fn config() -> PrunerConfig {
    PrunerConfig::new(CubicSchedule::new(0..4, sparsity(0.5)))
}

fn init(config: PrunerConfig, model: &Net) -> Result<Pruner, Error> {
    config.init(SevenScorerConfig::new().init(), model)
}

/// Everything a pruner knows, as bytes.
fn state(pruner: &Pruner) -> Vec<u8> {
    pruner.to_record().into_bytes().unwrap().to_vec()
}

/// A pruner and its model after two good steps.
fn running() -> (Pruner, Net, GradientsParams) {
    let model = Net::new(1, &device());
    let mut pruner = init(config(), &model).unwrap();
    let mut model = pruner.attach(model);
    for step in 0..2 {
        let grads = gradients(&model, step, &device());
        model = pruner.step(model, &grads).unwrap();
    }
    let grads = gradients(&model, 2, &device());
    (pruner, model, grads)
}

/// A step fails with `expected`, and nothing has changed: the state, the model that comes back, and
/// what the next good step gives.
fn refuses(
    mut pruner: Pruner,
    model: Net,
    good: &GradientsParams,
    bad: impl FnOnce(&mut Pruner) -> (Net, Error),
    expected: &str,
) {
    let before = (state(&pruner), model.effective());
    let mut untouched = pruner.clone();
    let (returned, error) = bad(&mut pruner);
    assert!(
        error.to_string().contains(expected),
        "{error} should contain {expected:?}"
    );
    assert_eq!(state(&pruner), before.0);
    assert_eq!(returned.effective(), before.1);

    let after = pruner.step(returned, good).unwrap();
    let reference = untouched.step(model, good).unwrap();
    assert_eq!(after.effective(), reference.effective());
    assert_eq!(state(&pruner), state(&untouched));
}

fn failed(result: Result<Net, burn_seven::Failed<Net>>) -> (Net, Error) {
    result.expect_err("the step should fail").into_parts()
}

#[test]
fn a_missing_gradient() {
    let (pruner, model, grads) = running();
    let mut partial = gradients(&model, 2, &device());
    partial.remove::<2>(model.second.weight.id);
    refuses(
        pruner,
        model.clone(),
        &grads,
        |pruner| failed(pruner.step(model, &partial)),
        "weight second.weight has no gradient, but the scorer seven needs one",
    );
}

#[test]
fn a_nan_or_infinite_gradient() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (pruner, model, grads) = running();
        let mut bad = gradients(&model, 2, &device());
        let id = model.first.weight.id;
        let grad = bad.remove::<2>(id).unwrap();
        let device = grad.device();
        bad.register(
            id,
            grad.slice_assign([3..4, 5..6], Tensor::full([1, 1], value, &device)),
        );
        refuses(
            pruner,
            model.clone(),
            &grads,
            |pruner| failed(pruner.step(model, &bad)),
            "the gradient of weight first.weight holds a NaN or infinite value",
        );
    }
}

/// One NaN in the head's weight, masks and all else left in place.
struct Poison;

impl ModuleMapper for Poison {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| match value.shape().to_vec()[..] {
            [8, 3] => {
                let device = value.device();
                let bad = Tensor::full([1; D], f32::NAN, &device);
                let first = std::array::from_fn::<_, D, _>(|_| 0..1);
                value.slice_assign(first, bad).detach().require_grad()
            }
            _ => value,
        })
    }
}

fn poisoned(model: Net) -> Net {
    model.map(&mut Poison)
}

#[test]
fn a_nan_weight() {
    let (mut pruner, model, grads) = running();
    let before = state(&pruner);
    let (_, error) = failed(pruner.step(poisoned(model), &grads));
    let path = "head.weight".to_string();
    assert_eq!(
        error,
        Error::NonFinite {
            what: "weight",
            path: path.clone()
        }
    );
    assert_eq!(state(&pruner), before);
    let error = init(config(), &poisoned(Net::new(1, &device()))).unwrap_err();
    assert_eq!(
        error,
        Error::NonFinite {
            what: "weight",
            path
        }
    );
}

#[test]
fn skipping_nan_steps_counts_them_and_still_ends_on_the_target() {
    for (schedule, nan_at) in [
        (LinearSchedule::new(0..3, sparsity(0.5)), 2),
        // The only cut is due when there are no scores yet: it is made up for.
        (LinearSchedule::new(0..1, sparsity(0.5)), 0),
    ] {
        let model = Net::new(1, &device());
        let config = PrunerConfig::new(schedule).with_non_finite(NonFinitePolicy::Skip);
        let mut pruner = init(config, &model).unwrap();
        let mut model = pruner.attach(model);
        for step in 0..5 {
            let mut grads = gradients(&model, step, &device());
            if step == nan_at {
                let grad = grads.remove::<2>(model.first.weight.id).unwrap();
                grads.register(model.first.weight.id, grad.mul_scalar(f32::NAN));
            }
            model = pruner.step(model, &grads).unwrap();
        }
        let report = pruner.report(&model);
        assert_eq!(report.skipped_steps, 1);
        assert_eq!(report.kept, 68); // half of 6·8 + 8·8 + 8·3 = 136
        assert!(pruner.is_finished());
    }
}

#[test]
fn a_changed_shape() {
    let (mut pruner, mut model, grads) = running();
    let before = state(&pruner);
    let id = model.head.weight.id;
    model.head = LinearConfig::new(8, 5).init(&device());
    model.head.weight.id = id;
    let (_, error) = failed(pruner.step(model, &grads));
    assert_eq!(
        error.to_string(),
        "the value of weight head.weight has shape [8, 5], but [8, 3] was expected"
    );
    assert_eq!(state(&pruner), before);
}

#[test]
fn a_gradient_of_another_shape() {
    let (pruner, model, grads) = running();
    let mut bad = gradients(&model, 2, &device());
    let id = model.first.weight.id;
    let grad = bad.remove::<2>(id).unwrap();
    bad.register(id, grad.transpose());
    refuses(
        pruner,
        model.clone(),
        &grads,
        |pruner| failed(pruner.step(model, &bad)),
        "the gradient of weight first.weight has shape [8, 6], but [6, 8] was expected",
    );
}

#[test]
fn a_changed_dtype() {
    let device = devices()[1].clone().autodiff(); // flex computes in half precision
    let model = LinearConfig::new(4, 4).init(&device);
    let mut pruner = config()
        .init(SevenScorerConfig::new().init(), &model)
        .unwrap();
    let mut half = model;
    half.weight = half
        .weight
        .map(|weight| weight.cast(FloatDType::F16).detach().require_grad());
    let error = pruner.try_attach(half).unwrap_err();
    assert_eq!(
        error.to_string(),
        "weight weight is of type F16, but F32 was expected"
    );
}

#[derive(Module, Debug)]
struct Layers {
    layers: Vec<Linear>,
}

fn layers(count: usize) -> Layers {
    let config = LinearConfig::new(4, 4);
    Layers {
        layers: (0..count).map(|_| config.init(&device())).collect(),
    }
}

#[test]
fn a_changed_set_of_parameters() {
    for (count, expected) in [
        (
            1,
            "weight layers.1.weight is missing: the set of parameters changed",
        ),
        (
            3,
            "weight layers.2.weight is new: the set of parameters changed",
        ),
    ] {
        let mut pruner = config()
            .init(MagnitudeScorerConfig::new().init(), &layers(2))
            .unwrap();
        let other = pruner.attach(layers(count));
        let error = pruner.step(other, &GradientsParams::new()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    // The same for a scorer by itself.
    let mut scorer = MagnitudeScorerConfig::new().init();
    let grads = |count| WeightGrads::new(&layers(count), &GradientsParams::new()).unwrap();
    scorer.update(&grads(2)).unwrap();
    assert!(matches!(
        scorer.update(&grads(1)),
        Err(Error::WeightMissing { .. })
    ));
    assert!(matches!(
        scorer.update(&grads(3)),
        Err(Error::WeightAdded { .. })
    ));
    assert_eq!(scorer.scores().len(), 2);
}

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
fn patterns_that_do_not_fit() {
    let model = Net::new(1, &device());
    let half = || PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.5)));
    // 6 inputs do not divide by 4.
    let error = init(half().with_pattern(NofM::new(2, 4).unwrap()), &model).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pattern 2:4 needs groups of 4, but dimension 0 of weight first.weight is 6"
    );
    // 1:2 is half, not nine tenths; and Erdős-Rényi gives the layers other shares than half.
    let nine = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.9)));
    let error = init(nine.with_pattern(NofM::new(1, 2).unwrap()), &model).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("pattern 1:2 gives sparsity 0.5, but 0.9"),
        "{error}"
    );
    let erk = half()
        .with_pattern(NofM::new(1, 2).unwrap())
        .with_budget(ErkBudget);
    assert!(matches!(
        init(erk, &model),
        Err(Error::PatternSparsity { .. })
    ));
    assert!(
        init(
            half()
                .with_pattern(NofM::new(1, 2).unwrap())
                .with_budget(UniformBudget),
            &model
        )
        .is_ok()
    );
}

#[test]
fn a_minimum_that_leaves_no_room() {
    let model = Net::new(1, &device());
    let config = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.9))).with_min_kept(5);
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
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn allocate(
        &self,
        _sparsity: Sparsity,
        _layers: &[burn_seven::budget::Layer<'_>],
    ) -> Vec<burn_seven::budget::Pool> {
        vec![]
    }
}

#[derive(Debug)]
struct Greedy(usize, usize);

impl Budget for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn allocate(
        &self,
        _sparsity: Sparsity,
        layers: &[burn_seven::budget::Layer<'_>],
    ) -> Vec<burn_seven::budget::Pool> {
        let layers = (0..layers.len() + self.0).collect();
        vec![burn_seven::budget::Pool {
            layers,
            keep: self.1,
        }]
    }
}

#[test]
fn a_custom_budget_that_names_or_keeps_what_is_not_there() {
    let model = Net::new(1, &device());
    let error = init(config().with_budget(Greedy(1, 10)), &model).unwrap_err();
    assert!(
        error.to_string().contains("layer 3 of 3 is named"),
        "{error}"
    );
    let error = init(config().with_budget(Greedy(0, 137)), &model).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("137 of 136 entries are to be kept"),
        "{error}"
    );
}

/// Reserves with flags of the wrong number, or for entries that are gone.
#[derive(Debug)]
struct Odd {
    flags: usize,
}

impl Pattern for Odd {
    fn name(&self) -> String {
        "odd".to_string()
    }

    fn check(&self, _path: &str, _shape: &[usize]) -> Result<(), Error> {
        Ok(())
    }

    fn reserved_count(&self, _shape: &[usize]) -> Option<usize> {
        None
    }

    fn reserve(&self, ranked: Ranked<'_>) -> Vec<bool> {
        vec![true; ranked.keys.len() + self.flags]
    }
}

#[test]
fn a_custom_pattern_that_reserves_wrongly() {
    let (pruner, _, _) = running();
    let scores = pruner.scores();
    for (flags, expected) in [
        (1, "49 flags for 48 entries"),
        (0, "an entry that cannot be kept is among them"),
    ] {
        let selector = Selector::new(GlobalBudget, Odd { flags });
        let error = selector
            .select(&scores, pruner.masks(), sparsity(0.5), false)
            .unwrap_err();
        assert!(matches!(error, Error::InvalidPattern { .. }));
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

    fn init(&self, weight: &Tensor<1>, _index: usize) -> Score {
        Score::zeros(weight)
    }

    fn update(&self, state: Score, _weight: Tensor<1>, _grad: Tensor<1>) -> Score {
        state
    }

    fn score(&self, state: &Score) -> Tensor<1> {
        state.value.clone().narrow(0, 0, 5)
    }
}

#[test]
fn a_custom_scorer_whose_scores_are_too_few() {
    let model = Net::new(1, &device());
    let mut pruner = config().init(ModuleScorer::from(Short), &model).unwrap();
    let model = pruner.attach(model);
    let grads = gradients(&model, 0, &device());
    let (model, error) = failed(pruner.step(model, &grads));
    assert_eq!(
        error.to_string(),
        "the score of weight first.weight has shape [5], but [48] was expected"
    );
    assert_eq!(pruner.steps(), 0);
    assert!(pruner.finish(model).is_ok());
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
    assert_eq!(error, Error::Tied { path, other });
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
    let error = init(half.with_pattern(NofM::new(1, 2).unwrap()), &model).unwrap_err();
    assert!(
        matches!(&error, Error::PatternOfSparse { path, .. } if path == "first.weight"),
        "{error}"
    );
}

#[test]
fn a_minimum_above_what_a_pattern_leaves() {
    let model = LinearConfig::new(4, 2).init(&device());
    let config = PrunerConfig::new(OneShotSchedule::new(0, sparsity(0.75)))
        .with_pattern(NofM::new(1, 4).unwrap())
        .with_min_kept(5);
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
fn records_of_other_hyperparameters() {
    let (mut pruner, model, _) = running();
    let plain = Net::new(1, &device());
    let before = state(&pruner);
    let seven = SevenScorerConfig::new();
    let others = [
        (
            config(),
            seven.clone().with_alpha_2(0.5),
            "hyperparameter.alpha_2",
        ),
        (config().with_min_kept(2), seven.clone(), "min_kept"),
        (config().with_budget(UniformBudget), seven.clone(), "budget"),
        (
            config().with_mode(MaskMode::AfterStep),
            seven.clone(),
            "mode",
        ),
        (
            PrunerConfig::new(CubicSchedule::new(0..4, sparsity(0.5)).with_initial(sparsity(0.3))),
            seven.clone(),
            "schedule.mean",
        ),
        (
            PrunerConfig::new(CubicSchedule::new(0..4, sparsity(0.5)).with_interval(3)),
            seven,
            "schedule.updates",
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
fn a_custom_budget_that_forgets_a_weight() {
    let model = Net::new(1, &device());
    let error = init(config().with_budget(Forgetful), &model).unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget forgetful is wrong about weight first.weight: it is in 0 pools, not in 1"
    );
}

#[test]
fn masks_attached_twice() {
    let (mut pruner, model, grads) = running();
    let before = model.effective();
    // At once...
    let (model, error) = pruner.try_attach(model).unwrap_err().into_parts();
    let path = "first.weight".to_string();
    assert_eq!(error, Error::MaskAttachedTwice { path: path.clone() });
    assert_eq!(model.effective(), before);
    assert!(pruner.clone().step(model.clone(), &grads).is_ok());
    // ... by another pruner ...
    assert_eq!(
        init(config(), &model).unwrap_err(),
        Error::MaskAttachedTwice { path: path.clone() }
    );
    // ... or, by the call that cannot fail, at the next step and at the end.
    let model = pruner.attach(model);
    let (model, error) = pruner.step(model, &grads).unwrap_err().into_parts();
    assert_eq!(error, Error::MaskAttachedTwice { path: path.clone() });
    // It is said once, and nothing is the worse for it.
    let model = pruner.step(model, &grads).unwrap();
    let model = pruner.attach(model);
    let (model, error) = pruner.finish(model).unwrap_err().into_parts();
    assert_eq!(error, Error::MaskAttachedTwice { path });
    assert!(pruner.finish(model).is_ok());
}

#[test]
fn masks_never_attached() {
    let model = Net::new(1, &device());
    let mut pruner = init(config(), &model).unwrap();
    let grads = gradients(&model, 0, &device());
    let (model, error) = failed(pruner.step(model, &grads));
    assert_eq!(
        error.to_string(),
        "weight first.weight carries no pruning mask: call `attach` first"
    );
    assert_eq!(pruner.steps(), 0);
    assert!(matches!(
        pruner.finish(model).unwrap_err().error(),
        Error::MaskMissing { .. }
    ));
}

#[test]
fn masks_after_the_step_not_applied() {
    let model = Net::new(1, &device());
    let mut pruner = init(config().with_mode(MaskMode::AfterStep), &model).unwrap();
    let mut model = pruner.attach(model);
    let grads = gradients(&model, 0, &device());
    model = pruner.step(model, &grads).unwrap();
    model = adamw().step(0.1, model, grads);
    let grads = gradients(&model, 1, &device());
    let (model, error) = failed(pruner.step(model, &grads));
    assert_eq!(error, Error::AfterStepMissing { step: 0 });
    let model = pruner.after_step(model).unwrap();
    assert!(pruner.step(model, &grads).is_ok());
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
    assert!(Masks::load(folder.path().join("none.bpk"), &device()).is_err());
    pruner
        .to_record()
        .save(folder.path().join("pruner.bpk"))
        .unwrap();
    let error = Masks::load(folder.path().join("pruner.bpk"), &device()).unwrap_err();
    assert!(
        error.to_string().contains("burn-seven masks was expected"),
        "{error}"
    );

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
        "the record's schedule.end is 9, but 4 was expected"
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
