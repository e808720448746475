//! Metrics of predicted classes. Predictions and truth are of the same length.

/// How often which class was predicted, 1 against the others.
struct Counts {
    both: f64,
    predicted_only: f64,
    true_only: f64,
    neither: f64,
}

impl Counts {
    fn of(predicted: &[usize], truth: &[usize]) -> Self {
        let count = |of: (bool, bool)| {
            let pairs = predicted.iter().zip(truth);
            pairs.filter(|(p, t)| (**p == 1, **t == 1) == of).count() as f64
        };
        Self {
            both: count((true, true)),
            predicted_only: count((true, false)),
            true_only: count((false, true)),
            neither: count((false, false)),
        }
    }
}

/// The share of right predictions, in [0, 1]; 0 of none.
pub fn accuracy(predicted: &[usize], truth: &[usize]) -> f64 {
    let right = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    ratio(right as f64, truth.len() as f64)
}

/// The F1 score of class 1, in [0, 1]; 0 if it is neither predicted nor true anywhere.
pub fn f1(predicted: &[usize], truth: &[usize]) -> f64 {
    let counts = Counts::of(predicted, truth);
    let wrong = counts.predicted_only + counts.true_only;
    ratio(2.0 * counts.both, 2.0 * counts.both + wrong)
}

/// Matthews correlation of class 1 against others, in [-1, 1]; 0 if only one class is predicted,
/// or only one is true.
pub fn matthews(predicted: &[usize], truth: &[usize]) -> f64 {
    let Counts {
        both,
        predicted_only,
        true_only,
        neither,
    } = Counts::of(predicted, truth);
    let product = (both + predicted_only)
        * (both + true_only)
        * (neither + predicted_only)
        * (neither + true_only);
    ratio(both * neither - predicted_only * true_only, product.sqrt())
}

/// The most frequent class, the smallest of equally frequent ones; 0 of none.
pub fn majority(labels: &[usize]) -> usize {
    let mut counts = std::collections::BTreeMap::new();
    for label in labels {
        *counts.entry(*label).or_insert(0_usize) += 1;
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| **count);
    most.map_or(0, |(label, _)| *label)
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2 both, 1 predicted only, 1 true only, 1 neither: F1 is 4 / 6, and the correlation
    // (2 - 1) / sqrt(3 * 3 * 2 * 2).
    #[test]
    fn five_predictions_by_hand() {
        let (predicted, truth) = ([1, 1, 1, 0, 0], [1, 1, 0, 1, 0]);
        approx(accuracy(&predicted, &truth), 0.6);
        approx(f1(&predicted, &truth), 2.0 / 3.0);
        approx(matthews(&predicted, &truth), 1.0 / 6.0);
    }

    #[test]
    fn all_right_is_1_and_all_wrong_is_0_or_minus_1() {
        let (right, wrong) = ([0, 1, 1], [1, 0, 0]);
        assert_eq!(accuracy(&right, &right), 1.0);
        assert_eq!(f1(&right, &right), 1.0);
        approx(matthews(&right, &right), 1.0);
        assert_eq!(accuracy(&wrong, &right), 0.0);
        assert_eq!(f1(&wrong, &right), 0.0);
        approx(matthews(&wrong, &right), -1.0);
    }

    #[test]
    fn what_is_undefined_is_0() {
        assert_eq!(f1(&[0, 0], &[0, 0]), 0.0);
        assert_eq!(matthews(&[0, 0], &[0, 1]), 0.0);
        assert_eq!(matthews(&[0, 1], &[1, 1]), 0.0);
        assert_eq!(matthews(&[1, 1], &[1, 1]), 0.0);
        assert_eq!(
            (accuracy(&[], &[]), f1(&[], &[]), matthews(&[], &[])),
            (0.0, 0.0, 0.0)
        );
    }

    #[test]
    fn accuracy_is_of_any_number_of_classes() {
        assert_eq!(accuracy(&[7, 2, 9, 9], &[7, 2, 1, 9]), 0.75);
    }

    #[test]
    fn the_majority_is_the_smallest_of_the_most_frequent() {
        assert_eq!(majority(&[3, 1, 1, 2, 2]), 1);
        assert_eq!(majority(&[0, 1, 1]), 1);
        assert_eq!(majority(&[]), 0);
    }

    fn approx(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }
}
