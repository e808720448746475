//! The answer that a model's scores stand for.

use super::Window;

/// The part of `context` with the highest sum of start and end score over all windows of one
/// question; the earliest of equal ones, and nothing if there is no score.
///
/// `starts` and `ends` hold a score for each token of each window, padding allowed: only tokens of
/// the text count. An answer has at most `max_answer_tokens`.
pub fn best_span(
    context: &str,
    windows: &[Window],
    starts: &[Vec<f32>],
    ends: &[Vec<f32>],
    max_answer_tokens: usize,
) -> String {
    let mut best = f32::NEG_INFINITY;
    let mut span = (0, 0);
    for ((window, starts), ends) in windows.iter().zip(starts).zip(ends) {
        let starts = of_text(starts, window);
        let ends = of_text(ends, window);
        for (first, start) in starts.iter().enumerate() {
            let lasts = ends.iter().enumerate().skip(first).take(max_answer_tokens);
            for (last, end) in lasts {
                if start + end > best {
                    best = start + end;
                    span = (window.offsets[first].0, window.offsets[last].1);
                }
            }
        }
    }
    let (from, to) = span;
    context
        .chars()
        .skip(from)
        .take(to.saturating_sub(from))
        .collect()
}

/// The scores of the text's tokens.
fn of_text<'a>(scores: &'a [f32], window: &Window) -> &'a [f32] {
    let count = window.context.len().min(window.offsets.len());
    let scores = scores.get(window.context.start..).unwrap_or_default();
    &scores[..count.min(scores.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Encoded;

    const TEXT: &str = "ün two three four";

    /// One special token before the text's, one after.
    fn window(offsets: &[(usize, usize)]) -> Window {
        Window {
            encoded: Encoded::default(),
            context: 1..1 + offsets.len(),
            offsets: offsets.to_vec(),
            answer: None,
        }
    }

    fn windows() -> [Window; 2] {
        [
            window(&[(0, 2), (3, 6), (7, 12)]),
            window(&[(7, 12), (13, 17)]),
        ]
    }

    #[test]
    fn the_best_window_wins() {
        let starts = [vec![9.0, 1.0, 0.0, 0.0, 9.0], vec![9.0, 2.0, 1.0, 9.0]];
        let ends = [vec![9.0, 0.0, 1.0, 0.0, 9.0], vec![9.0, 0.0, 1.0, 9.0]];
        assert_eq!(best_span(TEXT, &windows(), &starts, &ends, 5), "three four");
        assert_eq!(
            best_span(TEXT, &windows()[..1], &starts, &ends, 5),
            "ün two"
        );
    }

    #[test]
    fn an_answer_ends_where_it_starts_or_later_and_is_not_too_long() {
        // The ends' best is before the starts' best; with one token, 0 + 3 beats 2 + 0.
        let starts = [vec![0.0, 0.0, 0.0, 2.0, 0.0]];
        let ends = [vec![0.0, 3.0, 0.0, 0.0, 0.0]];
        assert_eq!(best_span(TEXT, &windows(), &starts, &ends, 5), "ün");
        let starts = [vec![0.0, 3.0, 1.0, 0.0, 0.0]];
        let ends = [vec![0.0, 0.0, 0.0, 3.0, 0.0]];
        assert_eq!(
            best_span(TEXT, &windows(), &starts, &ends, 3),
            "ün two three"
        );
        assert_eq!(best_span(TEXT, &windows(), &starts, &ends, 2), "two three");
        assert_eq!(best_span(TEXT, &windows(), &starts, &ends, 0), "");
    }

    #[test]
    fn scores_that_are_no_numbers_or_too_few_do_not_count() {
        let starts = [vec![0.0, f32::NAN, 0.0, 0.0, 0.0]];
        let ends = [vec![0.0, 9.0, 1.0]];
        assert_eq!(best_span(TEXT, &windows(), &starts, &ends, 5), "two");
        assert_eq!(best_span(TEXT, &windows(), &[vec![]], &[vec![]], 5), "");
        assert_eq!(best_span(TEXT, &[], &[], &[], 5), "");
    }
}
