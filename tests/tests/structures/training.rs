//! Every scorer of the library with every structure.

use burn::module::ParamGroup;
use burn::tensor::Device;
use burn_seven::scorer::Gradient;
use burn_seven::{
    AnyScorer, Blocks, Channels, Columns, CubicSchedule, DropAndGrow, Entries, Heads, MaskMode,
    Neurons, NofM, Pruner, PrunerConfig, Rows,
};
use burn_seven_tests::devices;
use burn_seven_tests::model::adamw;

use super::model::{Model, WEIGHTS};
use super::sparsity;
use super::units::{Unit, blocks, heads, kept_units, neurons, places, slices};

const STRUCTURES: [&str; 6] = ["entries", "mixed", "blocks", "rows", "columns", "2:4"];

fn with_structure(config: PrunerConfig, structure: &str) -> PrunerConfig {
    match structure {
        "entries" => config.with_structure(Entries),
        // One pruner with a structure for each part of the model.
        "mixed" => config
            .with_structure(Channels::new())
            .with_structure_in(ParamGroup::from_predicate("mha."), Heads::new(2).unwrap())
            .with_structure_in(ParamGroup::from_predicate("pwff."), Neurons::default()),
        "blocks" => config.with_structure(Blocks::new(2, 4).unwrap()),
        "rows" => config.with_structure(Rows::new()),
        "columns" => config.with_structure(Columns::new()),
        "2:4" => config.with_structure(NofM::new(2, 4).unwrap()),
        other => panic!("{other}"),
    }
}

fn units(structure: &str) -> Vec<Unit> {
    let each = |units: &dyn Fn(&str, &[usize]) -> Vec<Unit>| {
        let weights = WEIGHTS.iter();
        weights
            .flat_map(|(path, shape)| units(path, shape))
            .collect()
    };
    match structure {
        "mixed" => [
            // Outputs are the first dimension of a convolution and the second of a transposed one.
            slices("conv.weight", &[8, 4, 3, 3], 0, 1),
            slices("up.weight", &[8, 4, 3, 3], 1, 1),
            heads("mha.", ".weight", 8, 2),
            neurons(
                ("pwff.linear_inner.weight", [8, 12]),
                ("pwff.linear_outer.weight", [12, 8]),
            ),
        ]
        .concat(),
        "blocks" => each(&|path, shape| blocks(path, shape, 2, 4)),
        "rows" => each(&|path, shape| slices(path, shape, 0, 1)),
        "columns" => each(&|path, shape| slices(path, shape, 1, 1)),
        _ => each(&|path, shape| {
            let all = places(path, shape, |_| true).into_iter();
            all.map(|place| vec![place]).collect()
        }),
    }
}

/// Trains, or prunes before training where the scorer needs another gradient than the loss's.
fn run(config: PrunerConfig, scorer: AnyScorer, device: &Device) -> (Pruner, Model) {
    let model = Model::new(1, device);
    let by_loss = scorer
        .reads()
        .gradient()
        .is_none_or(|gradient| gradient == Gradient::Loss);
    let mut pruner = config.init(scorer, &model).unwrap();
    if !by_loss {
        let batches = (0..6).map(|step| Model::images(step, device));
        let model =
            pruner.prune_before_training(model, batches, |model, images| model.loss(images));
        return (pruner, model.unwrap());
    }
    let mut model = pruner.attach(model).unwrap();
    let mut optim = adamw();
    for step in 0..7 {
        let grads = model.gradients(step, device);
        model = pruner.optimize(&mut optim, 0.01, model, grads).unwrap();
    }
    (pruner, model)
}

fn check(config: PrunerConfig, name: &str, structure: &str, device: &Device) {
    let scorer = AnyScorer::named(name).unwrap();
    let (mut pruner, model) = run(with_structure(config, structure), scorer, device);
    let stays = kept_units(pruner.masks(), &units(structure));
    assert!(stays.contains(&true) && stays.contains(&false));
    let (kept, total) = (pruner.masks().kept(), pruner.masks().total());
    assert_eq!(total, 1024);
    // A unit has up to 256 entries, a head's; a budget for each weight leaves some at each.
    let least = match structure {
        "entries" | "2:4" => 512 - 8,
        "mixed" => 512 - 256,
        _ => 512 - 8 * 36,
    };
    assert!(kept <= 512 && kept >= least, "{name}, {structure}: {kept}");
    let model = pruner.finish(model).unwrap();
    let report = pruner.report(&model);
    assert!(report.kept <= kept, "{name}, {structure}");
}

#[test]
fn every_scorer_prunes_every_structure() {
    let schedule = CubicSchedule::new(0..6, sparsity(0.5));
    for device in devices() {
        let device = device.autodiff();
        for name in AnyScorer::names() {
            for structure in STRUCTURES {
                let config = PrunerConfig::new(schedule.clone());
                check(config, name, structure, &device);
            }
        }
    }
}

#[test]
fn every_scorer_prunes_structures_with_masks_after_the_step() {
    let schedule = CubicSchedule::new(0..6, sparsity(0.5)).with_interval(2);
    for device in devices() {
        let device = device.autodiff();
        for name in AnyScorer::names() {
            let config = PrunerConfig::new(schedule.clone());
            let config = config.with_mode(MaskMode::AfterStep);
            check(config, name, "mixed", &device);
        }
    }
}

#[test]
fn units_are_dropped_and_grown_whole() {
    let schedule = CubicSchedule::new(0..6, sparsity(0.5)).with_interval(2);
    for device in devices() {
        let device = device.autodiff();
        for name in ["rigl", "set"] {
            for structure in ["mixed", "blocks", "rows", "columns"] {
                let config = PrunerConfig::new(schedule.clone());
                let config = config.with_sparse_start(3);
                let config = config.with_drop_and_grow(DropAndGrow::new());
                check(config, name, structure, &device);
            }
        }
    }
}
