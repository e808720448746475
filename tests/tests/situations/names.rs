//! What errors and reports name.

use burn::module::ParamGroup;
use burn_seven::{
    Error, Floor, GroupBudget, MagnitudeScorerConfig, NofM, Selection, SevenScorerConfig,
};
use burn_seven_tests::model::{Net, adamw};

use super::*;

#[test]
fn a_floor_may_be_a_share_of_each_weight() {
    for device in training_devices() {
        let mut model = Net::new(1, &device);
        // So small that magnitude would leave little of it, or none.
        model.first.weight = model.first.weight.map(|weight| {
            let small = weight * 1e-4;
            small.detach().require_grad()
        });
        let schedule = CubicSchedule::new(0..3, sparsity(0.75));
        let mut pruner = PrunerConfig::new(schedule)
            .with_floor(Floor::Share(0.25))
            .init(MagnitudeScorerConfig::new().init(), &model)
            .unwrap();
        let model = pruner.attach(model).unwrap();
        let model = train(&mut pruner, &mut adamw(), model, 0..3, &device);
        // A quarter of 136 in all, of which a quarter of the first weight's 48 stays.
        assert_eq!(pruner.masks().kept(), 34);
        assert_eq!(pruner.masks().get("first.weight").unwrap().kept(), 12);
        let report = pruner.report(&model);
        let held = report.weights.iter().filter(|weight| weight.held);
        let held: Vec<&str> = held.map(|weight| weight.path.as_str()).collect();
        assert_eq!(held, ["first.weight"]);
    }
}

#[test]
fn a_misspelt_name_beside_a_right_one_is_refused() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let init = |names: Vec<&str>| {
            let selection = Selection::new().without(ParamGroup::from_paths(names));
            let config = config().with_selection(selection);
            config.init(SevenScorerConfig::new().init(), &model)
        };
        assert!(init(vec!["head.weight", "second.weight"]).is_ok());
        let error = init(vec!["head.weight", "secnd.weight"]).unwrap_err();
        assert!(
            matches!(&error, Error::NothingLeftOut { group } if group.contains("secnd.weight")),
            "{error}"
        );
        assert!(!error.to_string().contains("head.weight"), "{error}");
    }
}

#[test]
fn all_weights_that_a_pattern_does_not_fit_are_named() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let misfits = |pattern: NofM| {
            let schedule = CubicSchedule::new(0..4, pattern.sparsity());
            let config = PrunerConfig::new(schedule).with_structure(pattern);
            match config.init(SevenScorerConfig::new().init(), &model) {
                Err(Error::StructureMismatch { misfits, .. }) => misfits,
                other => panic!("{other:?}"),
            }
        };
        // 6, 8 and 8 inputs.
        let all = misfits(NofM::new(1, 5).unwrap());
        let named = ["first.weight", "second.weight", "head.weight"];
        assert_eq!(all.len(), 3);
        for (misfit, name) in all.iter().zip(named) {
            assert!(misfit.starts_with(name), "{misfit}");
        }
        let one = misfits(NofM::new(2, 4).unwrap());
        assert_eq!(one.len(), 1);
        assert!(one[0].starts_with("first.weight"), "{one:?}");
    }
}

#[test]
fn a_report_lists_what_is_left_out() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let selection = Selection::new().without(ParamGroup::from_paths(vec!["head.weight"]));
        let config = config().with_selection(selection);
        let pruner = config
            .init(SevenScorerConfig::new().init(), &model)
            .unwrap();
        let text = pruner.report(&model).to_string();
        let line = |start: &str| {
            let mut lines = text.lines().map(str::trim);
            let found = lines.find(|line| line.starts_with(start));
            found.map(str::to_string)
        };
        assert_eq!(
            line("left out by name"),
            Some("left out by name: head.weight".into())
        );
        assert_eq!(
            line("embedding table"),
            Some("embedding table: embedding.weight".into())
        );
        let vectors = line("rank below 2").unwrap();
        for path in ["first.bias", "norm.gamma"] {
            assert!(vectors.contains(path), "{vectors}");
        }
    }
}

#[test]
fn biases_are_pruned_where_they_are_named() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let biases = ParamGroup::from_paths(vec!["first.bias"]);
        let selection = Selection::new().with_vectors(biases);
        let schedule = CubicSchedule::new(0..3, sparsity(0.5));
        let mut pruner = PrunerConfig::new(schedule)
            .with_selection(selection)
            .with_budget(burn_seven::UniformBudget)
            .init(SevenScorerConfig::new().init(), &model)
            .unwrap();
        let model = pruner.attach(model).unwrap();
        let model = train(&mut pruner, &mut adamw(), model, 0..3, &device);
        assert_eq!(pruner.masks().len(), 4);
        assert_eq!(pruner.masks().get("first.bias").unwrap().kept(), 4);
        let sparse = pruner.finish(model).unwrap();
        let bias = sparse.first.bias.unwrap().val();
        let bias = bias.try_into_vec_as::<f32>().unwrap();
        assert_eq!(bias.iter().filter(|value| **value == 0.0).count(), 4);
    }
}

#[test]
fn a_group_with_a_sparsity_of_its_own_has_to_be_there_name_by_name() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let init = |names: Vec<&str>| {
            let group = ParamGroup::from_paths(names);
            let budget = GroupBudget::new().with(group, sparsity(0.5));
            let config = config().with_budget(budget);
            config.init(SevenScorerConfig::new().init(), &model)
        };
        assert!(init(vec!["head.weight", "second.weight"]).is_ok());
        let error = init(vec!["head.weight", "secnd.weight"]).unwrap_err();
        assert!(
            matches!(&error, Error::NothingLeftOut { group } if group.contains("secnd.weight")),
            "{error}"
        );
    }
}

// 2:4 of the second weight keeps 32 of 64, the head 18 of 24; the first one has the rest of the 74
// that a sparsity of 0.45 leaves of 136.
#[test]
fn a_sparsity_of_a_group_beside_n_of_m_is_met() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let group = |name: &str| ParamGroup::from_paths(vec![name]);
        let config = |budget: GroupBudget| {
            PrunerConfig::new(CubicSchedule::new(2..10, sparsity(0.45)))
                .with_structure_in(group("second.weight"), NofM::new(2, 4).unwrap())
                .with_budget(budget)
        };
        let budget = GroupBudget::new().with(group("head.weight"), sparsity(0.25));
        let scorer = SevenScorerConfig::new().init();
        let mut pruner = config(budget.clone()).init(scorer, &model).unwrap();
        let attached = pruner.attach(model.clone()).unwrap();
        train(&mut pruner, &mut adamw(), attached, 0..10, &device);
        let kept: Vec<usize> = pruner.masks().iter().map(|mask| mask.kept()).collect();
        assert_eq!(kept, [24, 32, 18]);

        let both = budget.with(group("second.weight"), sparsity(0.5));
        let error = config(both).init(SevenScorerConfig::new().init(), &model);
        let error = error.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidBudget { path, .. } if path == "second.weight"),
            "{error}"
        );
    }
}

#[test]
fn all_weights_that_do_not_fit_are_listed_over_several_structures() {
    for device in training_devices() {
        let model = Net::new(1, &device);
        let group = ParamGroup::from_paths(vec!["first.weight"]);
        let schedule = CubicSchedule::new(0..4, sparsity(0.5));
        let config = PrunerConfig::new(schedule)
            .with_structure(NofM::new(2, 5).unwrap())
            .with_structure_in(group, NofM::new(2, 4).unwrap());
        let error = config.init(SevenScorerConfig::new().init(), &model);
        let error = error.unwrap_err();
        let Error::StructureMismatch { misfits, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(misfits.len(), 3, "{error}");
        for name in ["first.weight", "second.weight", "head.weight"] {
            assert!(
                misfits.iter().any(|misfit| misfit.starts_with(name)),
                "{error}"
            );
        }
    }
}
