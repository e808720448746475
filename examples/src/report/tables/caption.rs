//! The line above a table.

use super::super::group::Group;
use super::super::text::points;

/// What was set, as a sentence.
pub fn settings(parts: &[String]) -> String {
    let mut text = parts.join(", ");
    if let Some(first) = text.get(..1) {
        let first = first.to_uppercase();
        text.replace_range(..1, &first);
    }
    text + "."
}

/// How many seeds a point has: `5 seeds`, or `3 to 5 seeds`.
pub fn seeds(group: &Group<'_>) -> String {
    let scorers = group.scorers();
    let sparsities = group.sparsities();
    let all = scorers
        .iter()
        .flat_map(|scorer| sparsities.iter().map(|s| group.runs(*scorer, *s).len()));
    let counts: Vec<usize> = all.filter(|count| *count > 0).collect();
    match (counts.iter().min(), counts.iter().max()) {
        (Some(1), Some(1)) => "1 seed".to_string(),
        (Some(low), Some(high)) if low == high => format!("{high} seeds"),
        (Some(low), Some(high)) => format!("{low} to {high} seeds"),
        _ => "no seeds".to_string(),
    }
}

/// A word on runs whose share of zeros is far from what was asked for; nothing if there are none.
pub fn missed(group: &Group<'_>) -> String {
    let far = |run: &&crate::finetune::Run| (run.sparsity - run.settings.sparsity).abs() > 0.005;
    let far: Vec<_> = group.pruned().filter(far).collect();
    let worst = far.iter().copied().max_by(|a, b| {
        let miss = |run: &crate::finetune::Run| (run.sparsity - run.settings.sparsity).abs();
        miss(a).total_cmp(&miss(b))
    });
    let Some(worst) = worst else {
        return String::new();
    };
    format!(
        " The share of zeros at the end is not the sparsity asked for in {} of the runs; the \
         farthest is {} % of {} at {}.",
        far.len(),
        points(worst.sparsity),
        worst.settings.scorer,
        worst.settings.sparsity
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run, scored, seeded};
    use crate::scorer_name::ScorerName;

    #[test]
    fn settings_are_a_sentence() {
        assert_eq!(
            settings(&["batch 32".to_string(), "steps 9".to_string()]),
            "Batch 32, steps 9."
        );
        assert_eq!(settings(&["é".to_string()]), "é.");
    }

    #[test]
    fn seeds_are_a_range_where_points_differ() {
        let two = vec![run(), seeded(run(), 1, 0.8)];
        let mut three = two.clone();
        three.push(scored(run(), ScorerName::Snip, 0.5));
        let of = |runs| seeds(&groups(&entries(runs)).unwrap()[0]);
        assert_eq!(of(two), "2 seeds");
        assert_eq!(of(three), "1 to 2 seeds");
        assert_eq!(of(vec![run()]), "1 seed");
    }

    #[test]
    fn runs_that_missed_their_sparsity_are_named() {
        let mut missed_it = seeded(run(), 1, 0.8);
        missed_it.sparsity = 0.25;
        let entries = entries(vec![run(), missed_it]);
        let groups = groups(&entries).unwrap();
        let text = missed(&groups[0]);
        assert!(text.contains("in 1 of the runs; the farthest is 25.00 % of seven at 0.5."));
        let entries = self::entries(vec![run()]);
        assert_eq!(missed(&self::groups(&entries).unwrap()[0]), "");
    }
}
