//! Each task's metrics, by name.

use std::collections::BTreeMap;

use super::{classification, squad};
use crate::task_name::TaskName;
use crate::texts::Question;

const ACCURACY: &str = "accuracy";
const F1: &str = "f1";
const MATTHEWS: &str = "matthews";
const EXACT_MATCH: &str = "exact_match";

/// The name of the metric to compare a task's results by; more is better.
pub fn metric(task: TaskName) -> &'static str {
    match task {
        TaskName::Squad => F1,
        TaskName::Cola => MATTHEWS,
        _ => ACCURACY,
    }
}

/// Metrics of predicted classes: `accuracy`, and with it MRPC's `f1` or CoLA's `matthews`.
pub fn of_classes(task: TaskName, predicted: &[usize], truth: &[usize]) -> BTreeMap<String, f64> {
    let mut metrics = vec![(ACCURACY, classification::accuracy(predicted, truth))];
    match task {
        TaskName::Mrpc => metrics.push((F1, classification::f1(predicted, truth))),
        TaskName::Cola => metrics.push((MATTHEWS, classification::matthews(predicted, truth))),
        _ => {}
    }
    named(metrics)
}

/// Metrics of the answer that needs no model: the most frequent class of the training labels.
pub fn of_majority(task: TaskName, train: &[usize], test: &[usize]) -> BTreeMap<String, f64> {
    let class = classification::majority(train);
    of_classes(task, &vec![class; test.len()], test)
}

/// SQuAD's metrics, `f1` and `exact_match`, the means over all questions; an answer each.
pub fn of_answers<T: AsRef<str>>(predicted: &[T], questions: &[Question]) -> BTreeMap<String, f64> {
    let mean = |score: fn(&str, &[_]) -> f64| {
        let pairs = predicted.iter().zip(questions);
        let scores = pairs.map(|(answer, question)| score(answer.as_ref(), &question.answers));
        scores.sum::<f64>() / questions.len().max(1) as f64
    };
    named(vec![
        (F1, mean(squad::f1)),
        (EXACT_MATCH, mean(squad::exact_match)),
    ])
}

fn named(metrics: Vec<(&str, f64)>) -> BTreeMap<String, f64> {
    let metrics = metrics.into_iter();
    metrics
        .map(|(name, value)| (name.to_string(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::texts::Answer;

    #[test]
    fn every_tasks_metrics_have_the_one_to_compare_by() {
        for task in TaskName::value_variants() {
            let metrics = match task {
                TaskName::Squad => of_answers::<&str>(&[], &[]),
                _ => of_classes(*task, &[0, 1], &[0, 1]),
            };
            assert!(metrics.contains_key(metric(*task)), "{task:?}");
        }
    }

    // Class 1 for all: 3 of 4 are right; F1 is 2 * 3 / (2 * 3 + 1).
    #[test]
    fn the_majority_is_that_of_the_training_labels() {
        let metrics = of_majority(TaskName::Mrpc, &[0, 1, 1], &[1, 1, 0, 1]);
        assert_eq!((metrics[ACCURACY], metrics[F1]), (0.75, 6.0 / 7.0));
        let metrics = of_majority(TaskName::Cola, &[0, 1, 1], &[1, 1, 0, 1]);
        assert_eq!((metrics[ACCURACY], metrics[MATTHEWS]), (0.75, 0.0));
    }

    #[test]
    fn answers_are_scored_on_average() {
        let question = Question {
            article: 0,
            context: "one two".to_string(),
            question: "Which?".to_string(),
            answers: vec![Answer {
                text: "one two".to_string(),
                start: 0,
            }],
        };
        // 2/3 and 1 by words; 0 and 1 exactly.
        let metrics = of_answers(&["two", "one two"], &[question.clone(), question]);
        assert!((metrics[F1] - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(metrics[EXACT_MATCH], 0.5);
    }
}
