//! Which groups a table or plot is of.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::group::Group;
use crate::finetune::When;
use crate::task_name::TaskName;

/// The groups of a task and a time to prune, the one with the most runs first.
pub fn of_task<'g, 'a>(groups: &'g [Group<'a>], task: TaskName, when: When) -> Vec<&'g Group<'a>> {
    let of_both = |g: &&Group<'_>| g.setup.task == task && g.setup.when == Some(when);
    let mut found: Vec<&Group<'a>> = groups.iter().filter(of_both).collect();
    found.sort_by_key(|group| Reverse(group.pruned().count()));
    found
}

/// Of these, the groups of the first strategy in the order of the command line: AdamW, where there
/// is one.
pub fn of_first_strategy<'g, 'a>(
    groups: &'g [Group<'a>],
    task: TaskName,
    when: When,
) -> Vec<&'g Group<'a>> {
    let mut found = of_task(groups, task, when);
    let first = found.iter().map(|group| group.setup.strategy).min();
    found.retain(|group| Some(group.setup.strategy) == first);
    found
}

/// All tasks.
pub fn tasks(groups: &[Group<'_>]) -> BTreeSet<TaskName> {
    groups.iter().map(|group| group.setup.task).collect()
}

/// What all the setups have in common, in words, and what is left of each.
pub fn in_common(groups: &[&Group<'_>]) -> (Vec<String>, Vec<Vec<String>>) {
    let all: Vec<Vec<String>> = groups.iter().map(|group| group.parts()).collect();
    let in_all = |part: &String| all.iter().all(|parts| parts.contains(part));
    let common = all.first().map_or(Vec::new(), |parts| {
        parts.iter().filter(|part| in_all(part)).cloned().collect()
    });
    let rest = |parts: &Vec<String>| parts.iter().filter(|part| !in_all(part)).cloned().collect();
    let rest = all.iter().map(rest).collect();
    (common, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::Strategy;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, seeded};

    #[test]
    fn the_first_strategy_is_adamw_and_its_group_of_the_most_runs_comes_first() {
        let mut longer = run();
        longer.settings.epochs = 9;
        let mut lion = seeded(run(), 1, 0.8);
        lion.settings.strategy = Strategy::Lion;
        let runs = vec![lion, run(), longer.clone(), seeded(longer, 1, 0.8)];
        let entries = entries(runs);
        let groups = groups(&entries).unwrap();
        assert_eq!(of_task(&groups, TaskName::Sst2, When::Before).len(), 3);
        let first = of_first_strategy(&groups, TaskName::Sst2, When::Before);
        let counts: Vec<usize> = first.iter().map(|group| group.pruned().count()).collect();
        assert_eq!(counts, [2, 1]);
        assert_eq!(tasks(&groups), BTreeSet::from([TaskName::Sst2]));
    }

    #[test]
    fn what_setups_have_in_common_is_told_apart_from_the_rest() {
        let mut longer = run();
        longer.settings.epochs = 9;
        let entries = entries(vec![run(), longer]);
        let groups = groups(&entries).unwrap();
        let (common, rest) = in_common(&of_task(&groups, TaskName::Sst2, When::Before));
        assert!(common.contains(&"batch 32".to_string()));
        assert_eq!(rest, [["epochs 3"], ["epochs 9"]]);
        assert!(of_task(&groups, TaskName::Sst2, When::During).is_empty());
    }
}
