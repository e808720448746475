//! A question and its text, in as many windows as the text needs.

use std::ops::Range;

use tokenizers::{Encoding, TruncationDirection};

use super::tokens::cut;
use super::{Answer, DataError, Encoded, Question, Tokens};

/// A question with a part of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The question's tokens, then the text's.
    pub encoded: Encoded,
    /// Which tokens are the text's.
    pub context: Range<usize>,
    /// For each of these, the characters of the whole text that it is made of: from, and up to.
    pub offsets: Vec<(usize, usize)>,
    /// First and last token of the question's first answer, if all of it is in this window. To
    /// train on.
    pub answer: Option<(usize, usize)>,
}

impl Tokens {
    /// A question with its text, special tokens included, in one window or more of at most
    /// `max_length` tokens. Windows share `overlap` tokens of the text with the next one, or
    /// half of what fits if that is less. A question that takes more than half of the room is
    /// cut.
    ///
    /// # Errors
    ///
    /// [`DataError::MaxLength`] if there is no room for a token of the question and one of the
    /// text.
    pub fn encode_question(
        &self,
        question: &Question,
        max_length: usize,
        overlap: usize,
    ) -> Result<Vec<Window>, DataError> {
        let room = self.room(true, max_length)?;
        let mut asked = self.plain(&question.question)?;
        cut(&mut asked, room / 2);
        let size = room - asked.len();
        let overlap = overlap.min(size / 2);
        let mut text = self.plain(&question.context)?;
        let answer = question.answers.first();
        let answer = answer.and_then(|answer| tokens_of(answer, text.get_offsets()));
        text.truncate(size, overlap, TruncationDirection::Right);
        let others = text.take_overflowing();
        std::iter::once(text)
            .chain(others)
            .enumerate()
            .map(|(index, part)| {
                let start = index * (size - overlap);
                self.window(&asked, part, start, answer)
            })
            .collect()
    }

    /// The window of a part of the text, whose token `start` is the part's first.
    fn window(
        &self,
        asked: &Encoding,
        part: Encoding,
        start: usize,
        answer: Option<(usize, usize)>,
    ) -> Result<Window, DataError> {
        let offsets = part.get_offsets().to_vec();
        let covered = start..start + offsets.len();
        let joined = self.joined(asked.clone(), Some(part))?;
        let of_text = |token: &Option<usize>| *token == Some(1);
        let first = joined.get_sequence_ids().iter().position(of_text);
        let first = first.unwrap_or(0);
        let answer = answer
            .filter(|(from, to)| covered.contains(from) && covered.contains(to))
            .map(|(from, to)| (first + from - start, first + to - start));
        Ok(Window {
            encoded: Encoded::from(&joined),
            context: first..first + offsets.len(),
            offsets,
            answer,
        })
    }
}

/// The first and last token with a character of the answer.
fn tokens_of(answer: &Answer, offsets: &[(usize, usize)]) -> Option<(usize, usize)> {
    let chars = answer.chars();
    let inside = |&(from, to): &(usize, usize)| from < chars.end && to > chars.start;
    let first = offsets.iter().position(inside)?;
    let last = offsets.iter().rposition(inside)?;
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::testing::tokens;

    fn question(context: &str, answer: &str) -> Question {
        let byte = context.find(answer).unwrap();
        Question {
            article: 0,
            context: context.to_string(),
            question: "Who is?".to_string(),
            answers: vec![Answer {
                text: answer.to_string(),
                start: context[..byte].chars().count(),
            }],
        }
    }

    #[test]
    fn a_short_text_is_one_window() -> Result<(), DataError> {
        let windows = tokens().encode_question(&question("Cafés: one two", "one two"), 64, 4)?;
        // [CLS] who is ? [SEP] caf ##e ##s [UNK] one two [SEP]
        let expected = Window {
            encoded: Encoded {
                ids: vec![2, 12, 13, 14, 3, 15, 17, 16, 1, 4, 5, 3],
                types: vec![0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1],
            },
            context: 5..11,
            offsets: vec![(0, 3), (3, 4), (4, 5), (5, 6), (7, 10), (11, 14)],
            answer: Some((9, 10)),
        };
        assert_eq!(windows, [expected]);
        Ok(())
    }

    #[test]
    fn a_long_text_is_cut_into_overlapping_windows() -> Result<(), DataError> {
        let text = "one two three four five six seven";
        let windows = tokens().encode_question(&question(text, "four five"), 10, 2)?;
        // Three special tokens and three of the question leave four for the text.
        let ids: Vec<&[u32]> = windows
            .iter()
            .map(|window| &window.encoded.ids[window.context.clone()])
            .collect();
        assert_eq!(ids, [&[4, 5, 6, 7][..], &[6, 7, 8, 9], &[8, 9, 10]]);
        let answers: Vec<_> = windows.iter().map(|window| window.answer).collect();
        assert_eq!(answers, [None, Some((6, 7)), None]);
        assert_eq!(windows[2].offsets, [(19, 23), (24, 27), (28, 33)]);
        assert!(windows.iter().all(|window| window.encoded.len() <= 10));
        Ok(())
    }

    #[test]
    fn an_overlap_of_more_than_half_is_half() -> Result<(), DataError> {
        let question = question("one two three four five six seven", "seven");
        let tokens = tokens();
        assert_eq!(
            tokens.encode_question(&question, 10, usize::MAX)?,
            tokens.encode_question(&question, 10, 2)?
        );
        Ok(())
    }

    #[test]
    fn a_long_question_is_cut_to_half_of_the_room() -> Result<(), DataError> {
        let mut question = question("one two three", "one");
        question.question = "who is who is who is who is".to_string();
        let windows = tokens().encode_question(&question, 9, 0)?;
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].encoded.ids, [2, 12, 13, 12, 3, 4, 5, 6, 3]);
        Ok(())
    }

    #[test]
    fn an_answer_within_a_token_is_that_token() -> Result<(), DataError> {
        let windows = tokens().encode_question(&question("one two", "w"), 64, 4)?;
        assert_eq!(windows[0].answer, Some((6, 6)));
        Ok(())
    }

    #[test]
    fn the_least_length_is_enough_and_less_is_refused() {
        let question = question("one two", "one");
        let windows = tokens().encode_question(&question, 5, 1).unwrap();
        assert_eq!(windows.len(), 2);
        let error = tokens()
            .encode_question(&question, 4, 1)
            .expect_err("refused");
        assert!(error.to_string().contains("at most 4 tokens"), "{error}");
    }
}
