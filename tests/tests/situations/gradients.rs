//! Gradients that are missing, not finite, or far too large.

use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, ParamGroup};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn_seven::{
    Error, MagnitudeScorerConfig, MissingGradient, NonFinitePolicy, Selection, SevenScorerConfig,
};
use burn_seven_tests::model::{Batch, Net, Noise, adamw};

use super::*;

#[test]
fn a_nan_batch_that_is_skipped_leaves_model_and_optimizer_as_they_were() {
    for device in training_devices() {
        for mode in MODES {
            let model = Net::new(1, &device);
            let config = config().with_mode(mode);
            let config = config.with_non_finite(NonFinitePolicy::Skip);
            let scorer = SevenScorerConfig::new().init();
            let mut pruner = config.init(scorer, &model).unwrap();
            let mut optim = adamw();
            let model = pruner.attach(model).unwrap();
            let model = train(&mut pruner, &mut optim, model, 0..5, &device);

            let mut batch = Batch::new(5, &device);
            batch.targets = batch.targets * f32::NAN;
            let grads = GradientsParams::from_grads(model.loss(&batch).backward(), &model);
            let optimizer = optim.to_record().into_bytes().unwrap().to_vec();
            let mut other = pruner.clone();
            let stepped = other.optimize(&mut optim, 0.02, model.clone(), grads);
            let stepped = stepped.unwrap();
            assert!(other.skipped_last());
            assert_eq!(
                (other.steps(), other.report(&stepped).skipped_steps),
                (6, 1)
            );
            // Masks were due and prune more, by the scores so far; nothing that stays has moved.
            let masks = kept(other.masks());
            assert!(other.masks().kept() < pruner.masks().kept());
            let same = |old: Vec<f32>, new: Vec<f32>| {
                for ((old, new), kept) in old.iter().zip(&new).zip(&masks) {
                    assert_eq!(*new, if *kept { *old } else { 0.0 });
                }
            };
            same(model.effective(), stepped.effective());
            same(scores(&pruner).concat(), scores(&other).concat());
            let bias = |model: &Net| model.first.bias.as_ref().map(|bias| bias.val().into_data());
            assert_eq!(bias(&model), bias(&stepped));
            assert_eq!(optim.to_record().into_bytes().unwrap().to_vec(), optimizer);

            let model = train(&mut other, &mut optim, stepped, 6..10, &device);
            assert!(!other.skipped_last());
            assert_eq!(other.masks().kept(), 68);
            assert!(other.finish(model).is_ok());
        }
    }
}

#[test]
fn a_nan_batch_outside_the_steps_that_choose_masks_changes_nothing_at_all() {
    // Of step 1 scores are folded, or nothing is done at all.
    let schedule = CubicSchedule::new(2..10, sparsity(0.5));
    let schedules = [schedule.clone().with_scored_from(0), schedule];
    for (device, schedule) in training_devices().into_iter().flat_map(|device| {
        let each = schedules.clone();
        each.map(|schedule| (device.clone(), schedule))
    }) {
        let model = Net::new(1, &device);
        let mut pruner = PrunerConfig::new(schedule)
            .with_non_finite(NonFinitePolicy::Skip)
            .init(SevenScorerConfig::new().init(), &model)
            .unwrap();
        let mut optim = adamw();
        let model = pruner.attach(model).unwrap();
        let model = train(&mut pruner, &mut optim, model, 0..1, &device);
        let mut batch = Batch::new(1, &device);
        batch.targets = batch.targets * f32::NAN;
        let grads = GradientsParams::from_grads(model.loss(&batch).backward(), &model);
        let optimizer = optim.to_record().into_bytes().unwrap().to_vec();
        let before = bytes(&model);
        let model = pruner.optimize(&mut optim, 0.02, model, grads).unwrap();
        assert_eq!(bytes(&model), before);
        assert_eq!(optim.to_record().into_bytes().unwrap().to_vec(), optimizer);
        assert!(pruner.skipped_last());
    }
}

#[derive(Module, Debug)]
struct Experts {
    experts: Vec<Linear>,
}

impl Experts {
    fn new(device: &Device) -> Self {
        let config = LinearConfig::new(4, 4);
        let experts = (0..2).map(|_| config.init(device)).collect();
        Self { experts }
    }

    /// Of a batch whose tokens all go to one expert.
    fn gradients(&self, expert: usize, seed: u64, device: &Device) -> GradientsParams {
        let mut noise = Noise::new(seed);
        let inputs: Vec<f32> = (0..32).map(|_| noise.next()).collect();
        let inputs = Tensor::<1>::from_floats(inputs.as_slice(), device).reshape([8, 4]);
        let loss = self.experts[expert].forward(inputs).square().mean();
        GradientsParams::from_grads(loss.backward(), self)
    }
}

#[test]
fn an_expert_without_tokens_has_a_gradient_of_zeros_where_that_is_said() {
    for device in training_devices() {
        let model = Experts::new(&device);
        let start = |missing: MissingGradient| {
            let config = config().with_missing_gradient(missing);
            let scorer = SevenScorerConfig::new().init();
            let mut pruner = config.init(scorer, &model).unwrap();
            // Scored from step 2 on.
            let mut attached = pruner.attach(model.clone()).unwrap();
            for step in 0..2 {
                let grads = attached.gradients(0, step, &device);
                attached = pruner.step(attached, &grads).unwrap();
            }
            (pruner, attached)
        };
        let (mut strict, attached) = start(MissingGradient::Error);
        let grads = attached.gradients(0, 2, &device);
        let (_, error) = strict.step(attached, &grads).unwrap_err().into_parts();
        let expected = Error::MissingGradient {
            path: "experts.1.weight".to_string(),
            scorer: "seven",
        };
        assert_eq!(error, expected);

        // Beside a run that is given the zeros.
        let (mut lenient, mut one) = start(MissingGradient::Zero);
        let (mut given, mut other) = start(MissingGradient::Error);
        for step in 2..10 {
            let expert = usize::from(step % 3 == 0);
            let grads = one.gradients(expert, step, &device);
            one = lenient.step(one, &grads).unwrap();
            let mut grads = other.gradients(expert, step, &device);
            let idle = &other.experts[1 - expert].weight;
            let zeros = Tensor::<2>::zeros([4, 4], &device.clone().without_autodiff());
            grads.register(idle.id, zeros);
            other = given.step(other, &grads).unwrap();
            assert_eq!(kept(lenient.masks()), kept(given.masks()), "step {step}");
        }
        assert_eq!(lenient.masks().kept(), 16);
        assert_eq!(scores(&lenient), scores(&given));
    }
}

#[test]
fn a_frozen_weight_is_refused_by_a_scorer_that_reads_gradients() {
    for device in training_devices() {
        let model = Net::new(1, &device).freeze_group(ParamGroup::from_predicate("second"));
        let error = config().init(SevenScorerConfig::new().init(), &model);
        let expected = Error::Frozen {
            path: "second.weight".to_string(),
            scorer: "seven",
        };
        assert_eq!(error.unwrap_err(), expected);
        assert!(
            config()
                .init(MagnitudeScorerConfig::new().init(), &model)
                .is_ok()
        );
        let selection = Selection::new().without(ParamGroup::from_paths(vec!["second.weight"]));
        let without = config().with_selection(selection);
        assert!(
            without
                .init(SevenScorerConfig::new().init(), &model)
                .is_ok()
        );
    }
}

#[test]
fn one_batch_of_huge_inputs_changes_few_masks_where_gradients_are_clipped() {
    #[derive(Module, Debug)]
    struct Wide {
        layer: Linear,
    }
    for device in training_devices() {
        // Weights and batches are fixed, so that every device counts the same.
        let mut noise = Noise::new(5);
        let mut layer = LinearConfig::new(16, 16).init(&device);
        layer.weight = layer.weight.map(|weight| {
            let values: Vec<f32> = (0..256).map(|_| noise.next()).collect();
            let values = Tensor::<1>::from_floats(values.as_slice(), &weight.device());
            values.reshape([16, 16]).require_grad()
        });
        let model = Wide { layer };
        let masks = |clipping: Option<f32>, huge: bool| {
            let mut config = config();
            if let Some(norm) = clipping {
                config = config.with_grad_clipping(GradientClippingConfig::Norm(norm));
            }
            let scorer = SevenScorerConfig::new().init();
            let mut pruner = config.init(scorer, &model).unwrap();
            let mut model = pruner.attach(model.clone()).unwrap();
            for step in 0..10 {
                let mut noise = Noise::new(100 + step);
                let scale = if huge && step == 3 { 100.0 } else { 1.0 };
                let inputs: Vec<f32> = (0..256).map(|_| scale * noise.next()).collect();
                let inputs = Tensor::<1>::from_floats(inputs.as_slice(), &device);
                let output = model.layer.forward(inputs.reshape([16, 16]));
                let loss = output.square().mean();
                let grads = GradientsParams::from_grads(loss.backward(), &model);
                model = pruner.step(model, &grads).unwrap();
            }
            assert_eq!(pruner.masks().kept(), 128);
            kept(pruner.masks())
        };
        let changed = |clipping: Option<f32>| {
            let (plain, with_huge) = (masks(clipping, false), masks(clipping, true));
            let pairs = plain.iter().zip(&with_huge);
            pairs.filter(|(plain, huge)| plain != huge).count()
        };
        let (clipped, free) = (changed(Some(0.05)), changed(None));
        let counts = format!("of 256 entries {clipped} changed clipped, {free} unclipped");
        assert!(free > 2 * clipped, "{counts}");
    }
}
