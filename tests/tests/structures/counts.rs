//! Counts that are exact: of N:M in every group, and of a budget by group.

use burn::module::ParamGroup;
use burn_seven::{
    CubicSchedule, GroupBudget, NofM, Pruner, PrunerConfig, SevenScorerConfig, Sparsity,
};
use burn_seven_tests::devices;
use burn_seven_tests::model::adamw;

use super::model::{Model, WEIGHTS};
use super::sparsity;

/// How many of each four entries along `dim` stay.
fn quotas(mask: &[bool], shape: &[usize], dim: usize) -> Vec<usize> {
    let inner: usize = shape[dim + 1..].iter().product();
    let outer = mask.len() / (4 * inner);
    let group = |outer: usize, inner_at: usize| {
        let places = (0..4).map(|place| (outer * 4 + place) * inner + inner_at);
        places.filter(|&place| mask[place]).count()
    };
    let groups = (0..outer).flat_map(|outer| (0..inner).map(move |at| (outer, at)));
    groups.map(|(outer, at)| group(outer, at)).collect()
}

fn trained(pruner: &mut Pruner, model: Model, look: impl Fn(&Pruner), steps: u64) {
    let mut model = pruner.attach(model).unwrap();
    let mut optim = adamw();
    for step in 0..steps {
        let device = burn::module::Module::devices(&model)[0].clone();
        let grads = model.gradients(step, &device);
        model = pruner.optimize(&mut optim, 0.01, model, grads).unwrap();
        look(pruner);
    }
    pruner.finish(model).unwrap();
}

#[test]
fn each_group_of_convolutions_and_transposed_ones_ends_on_its_quota() {
    for device in devices() {
        let device = device.autodiff();
        for (n, share) in [(1, 0.75), (2, 0.5), (3, 0.25)] {
            let schedule = CubicSchedule::new(1..7, sparsity(share));
            let model = Model::new(2, &device);
            let mut pruner = PrunerConfig::new(schedule)
                .with_structure(NofM::new(n, 4).unwrap())
                .init(SevenScorerConfig::new().init(), &model)
                .unwrap();
            let counts = |pruner: &Pruner| {
                let masks = pruner.masks().iter().zip(WEIGHTS);
                let counts = masks.flat_map(|(mask, (path, shape))| {
                    assert_eq!(mask.path(), path);
                    // Inputs come second in a convolution alone.
                    let dim = usize::from(path == "conv.weight");
                    quotas(&mask.to_vec(), shape, dim)
                });
                counts.collect::<Vec<usize>>()
            };
            let on_the_way = |pruner: &Pruner| {
                assert!(counts(pruner).iter().all(|count| *count >= n));
            };
            trained(&mut pruner, model, on_the_way, 8);
            assert_eq!(counts(&pruner), vec![n; 256], "{n}:4");
        }
    }
}

#[test]
fn groups_of_a_budget_end_on_their_own_sparsity_and_the_others_make_up_for_it() {
    for device in devices() {
        let device = device.autodiff();
        let budget = GroupBudget::new()
            .with(ParamGroup::from_predicate("mha."), sparsity(0.7))
            .with(ParamGroup::from_paths(vec!["up.weight"]), Sparsity::DENSE);
        let schedule = CubicSchedule::new(1..7, sparsity(0.5));
        let model = Model::new(3, &device);
        let mut pruner = PrunerConfig::new(schedule)
            .with_budget(budget)
            .init(SevenScorerConfig::new().init(), &model)
            .unwrap();
        let dense = |pruner: &Pruner| assert!(pruner.masks().get("up.weight").unwrap().is_dense());
        trained(&mut pruner, model, dense, 8);
        let kept = |path: &str| pruner.masks().get(path).unwrap().kept();
        // floor(0.3 · 64) = 19 of each, all 288, and what is left of 512 for the rest.
        for name in ["query", "key", "value", "output"] {
            assert_eq!(kept(&format!("mha.{name}.weight")), 19, "{name}");
        }
        assert_eq!(kept("up.weight"), 288);
        let others = ["conv", "pwff.linear_inner", "pwff.linear_outer"];
        let others = others.iter().map(|name| kept(&format!("{name}.weight")));
        assert_eq!(others.sum::<usize>(), 512 - 4 * 19 - 288);
    }
}
