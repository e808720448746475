//! SQuAD's metrics: an answer against those that people gave, the best of which counts.
//!
//! Both compare answers in lower case, without ASCII punctuation, without the words a, an and the,
//! and with single spaces. If nothing is left of any given answer, the right answer is none.

use std::collections::HashMap;

/// 1 if the answer is one of those given, else 0.
pub fn exact_match<T: AsRef<str>>(predicted: &str, given: &[T]) -> f64 {
    best(predicted, given, |predicted, given| {
        f64::from(u8::from(predicted == given))
    })
}

/// The F1 score of the answer's words, in [0, 1], each as often as it is there.
pub fn f1<T: AsRef<str>>(predicted: &str, given: &[T]) -> f64 {
    best(predicted, given, words_f1)
}

fn best<T: AsRef<str>>(
    predicted: &str,
    given: &[T],
    score: fn(&[String], &[String]) -> f64,
) -> f64 {
    let predicted = words(predicted);
    let mut given: Vec<_> = given.iter().map(|given| words(given.as_ref())).collect();
    given.retain(|words| !words.is_empty());
    if given.is_empty() {
        given.push(Vec::new());
    }
    let scores = given.iter().map(|given| score(&predicted, given));
    scores.fold(0.0, f64::max)
}

fn words_f1(predicted: &[String], given: &[String]) -> f64 {
    if predicted.is_empty() || given.is_empty() {
        return f64::from(u8::from(predicted == given));
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in given {
        *left.entry(word).or_default() += 1;
    }
    let mut common = 0;
    for word in predicted {
        if let Some(count) = left.get_mut(word.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    f64::from(2 * common) / (predicted.len() + given.len()) as f64
}

/// What is left of an answer to compare.
fn words(answer: &str) -> Vec<String> {
    let mut text = answer.to_lowercase();
    text.retain(|char| !char.is_ascii_punctuation());
    without_articles(&text)
        .split_whitespace()
        .map(str::to_string)
        .collect()
}

/// The text with a space in place of each article that is a word of its own. A word goes as far
/// as its letters and digits: an en dash ends one, too.
fn without_articles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let in_word = first.is_alphanumeric();
        let end = rest.find(|char: char| char.is_alphanumeric() != in_word);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        kept.push_str(if matches!(run, "a" | "an" | "the") {
            " "
        } else {
            run
        });
        rest = after;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_punctuation_articles_and_spaces_do_not_count() {
        assert_eq!(
            exact_match("The  Norman dynasty!", &["norman\tdynasty"]),
            1.0
        );
        assert_eq!(exact_match("U.S.A.", &["usa"]), 1.0);
        assert_eq!(exact_match("an", &["theatre"]), 0.0);
        assert_eq!(
            words("A theatre, \"an\" end–the dash"),
            ["theatre", "end–", "dash"]
        );
    }

    // Of 3 and 4 words, 1 is common: precision 1/3 and recall 1/4 give 2/7.
    #[test]
    fn f1_is_of_common_words() {
        assert_eq!(
            f1("in the 10th century", &["10th and 11th centuries"]),
            2.0 / 7.0
        );
        assert_eq!(
            exact_match("in the 10th century", &["10th and 11th centuries"]),
            0.0
        );
        assert_eq!(f1("one", &["two"]), 0.0);
    }

    // b b c against b c c: one b and one c are common, 2 of 3.
    #[test]
    fn words_count_as_often_as_they_are_there() {
        assert_eq!(f1("b b c", &["b c c"]), 4.0 / 6.0);
    }

    #[test]
    fn the_best_of_the_given_answers_counts() {
        let given = ["two", "one two three", "one two"];
        assert_eq!(
            (exact_match("one two", &given), f1("one two", &given)),
            (1.0, 1.0)
        );
        // Against "one two": 1 common of 1 and 2.
        assert_eq!(
            (exact_match("one", &given), f1("one", &given)),
            (0.0, 2.0 / 3.0)
        );
    }

    #[test]
    fn an_empty_answer_is_right_only_if_nothing_is_given() {
        assert_eq!((exact_match("", &["one"]), f1("", &["one"])), (0.0, 0.0));
        assert_eq!((exact_match("", &["the"]), f1("a", &["the"])), (1.0, 1.0));
        assert_eq!(
            (exact_match("one", &["the"]), f1("one", &["the"])),
            (0.0, 0.0)
        );
        assert_eq!(
            (exact_match::<&str>("", &[]), f1::<&str>("one", &[])),
            (1.0, 0.0)
        );
    }
}
