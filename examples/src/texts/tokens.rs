//! Texts as token ids.

use std::path::{Path, PathBuf};

use tokenizers::{Encoding, PostProcessor, Tokenizer, TruncationDirection};

use super::{DataError, template};

/// A tokenizer from a `tokenizer.json`.
#[derive(Debug, Clone)]
pub struct Tokens {
    path: PathBuf,
    tokenizer: Tokenizer,
    pad_id: u32,
    vocabulary: usize,
}

/// A text, or two, as tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encoded {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// As many: which text the token is of, 0 or 1.
    pub types: Vec<u32>,
}

impl Encoded {
    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl From<&Encoding> for Encoded {
    fn from(encoding: &Encoding) -> Self {
        Self {
            ids: encoding.get_ids().to_vec(),
            types: encoding.get_type_ids().to_vec(),
        }
    }
}

impl Tokens {
    /// Reads a tokenizer. What the file says on padding and truncation is not followed, but for
    /// the id to pad with.
    ///
    /// # Errors
    ///
    /// [`DataError::Tokenizer`] if the file cannot be read or is no tokenizer,
    /// [`DataError::NoPad`] if it has no token to pad with, [`DataError::Template`] if it does not
    /// join texts as BERT does, or by a template.
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let failed = |source| DataError::Tokenizer {
            path: path.to_owned(),
            source,
        };
        let mut tokenizer = Tokenizer::from_file(path).map_err(failed)?;
        let named = || {
            ["[PAD]", "<pad>"]
                .into_iter()
                .find_map(|t| tokenizer.token_to_id(t))
        };
        let pad_id = tokenizer
            .get_padding()
            .map(|padding| padding.pad_id)
            .or_else(named)
            .ok_or_else(|| DataError::NoPad {
                path: path.to_owned(),
            })?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(failed)?;
        if !template::is_sound(tokenizer.get_post_processor()) {
            return Err(DataError::Template {
                path: path.to_owned(),
            });
        }
        let special = tokenizer.encode(("", ""), true).map_err(failed)?;
        let all = tokenizer.get_vocab(true).into_values();
        let all = all.chain(special.get_ids().iter().copied());
        let largest = all.fold(pad_id, u32::max);
        Ok(Self {
            path: path.to_owned(),
            tokenizer,
            pad_id,
            vocabulary: largest as usize + 1,
        })
    }

    /// How many embeddings a model needs: all ids are below.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The id to pad with.
    pub fn pad_id(&self) -> u32 {
        self.pad_id
    }

    /// The tokens of a text, or of two, with special tokens: at most `max_length` in all. Of two
    /// texts the longer is cut first; an odd token is the longer one's.
    ///
    /// # Errors
    ///
    /// [`DataError::MaxLength`] if there is no room for a token of each text.
    pub fn encode(
        &self,
        first: &str,
        second: Option<&str>,
        max_length: usize,
    ) -> Result<Encoded, DataError> {
        let room = self.room(second.is_some(), max_length)?;
        let mut first = self.plain(first)?;
        let mut second = second.map(|text| self.plain(text)).transpose()?;
        let lengths = (first.len(), second.as_ref().map_or(0, Encoding::len));
        let lengths = longest_first(lengths, room);
        cut(&mut first, lengths.0);
        if let Some(second) = &mut second {
            cut(second, lengths.1);
        }
        Ok(Encoded::from(&self.joined(first, second)?))
    }

    /// How many of `max_length` tokens are left by the special tokens.
    pub(super) fn room(&self, pair: bool, max_length: usize) -> Result<usize, DataError> {
        let processor = self.tokenizer.get_post_processor();
        let special = processor.map_or(0, |processor| processor.added_tokens(pair));
        let least = special + 1 + usize::from(pair);
        if max_length < least {
            return Err(DataError::MaxLength {
                found: max_length,
                least,
            });
        }
        Ok(max_length - special)
    }

    /// All tokens of a text, without special tokens, with offsets in characters.
    pub(super) fn plain(&self, text: &str) -> Result<Encoding, DataError> {
        let encoding = self.tokenizer.encode_char_offsets(text, false);
        encoding.map_err(|source| self.failed(source))
    }

    /// One or two encodings as one, with special tokens.
    pub(super) fn joined(
        &self,
        first: Encoding,
        second: Option<Encoding>,
    ) -> Result<Encoding, DataError> {
        let encoding = self.tokenizer.post_process(first, second, true);
        encoding.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: tokenizers::Error) -> DataError {
        DataError::Tokenizer {
            path: self.path.clone(),
            source,
        }
    }
}

/// Cuts what is after the first `length` tokens, without keeping it as overflow.
pub(super) fn cut(encoding: &mut Encoding, length: usize) {
    encoding.truncate(length, 0, TruncationDirection::Right);
    encoding.take_overflowing();
}

/// How many tokens of each text fit when the longer one is always cut.
fn longest_first((first, second): (usize, usize), room: usize) -> (usize, usize) {
    let half = room / 2;
    if first <= half {
        (first, second.min(room - first))
    } else if second <= half {
        (first.min(room - second), second)
    } else if first > second {
        (room - half, half)
    } else {
        (half, room - half)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::texts::testing::{tokenizer_json, tokens};

    fn encoded(ids: &[u32], types: &[u32]) -> Encoded {
        Encoded {
            ids: ids.to_vec(),
            types: types.to_vec(),
        }
    }

    #[test]
    fn special_tokens_are_added_and_nothing_is_padded() -> Result<(), DataError> {
        let tokens = tokens();
        assert_eq!((tokens.pad_id(), tokens.vocabulary()), (0, 18));
        let one = tokens.encode("One twos", None, 64)?;
        assert_eq!(one, encoded(&[2, 4, 5, 16, 3], &[0; 5]));
        let two = tokens.encode("one", Some("two zero"), 64)?;
        assert_eq!(two, encoded(&[2, 4, 3, 5, 1, 3], &[0, 0, 0, 1, 1, 1]));
        let long = tokens.encode("one two three four five six seven", None, 64)?;
        assert_eq!(long.len(), 9);
        Ok(())
    }

    #[test]
    fn the_longer_text_is_cut_first() -> Result<(), DataError> {
        let tokens = tokens();
        let one = tokens.encode("one two three four", None, 4)?;
        assert_eq!(one, encoded(&[2, 4, 5, 3], &[0; 4]));
        let two = tokens.encode("one", Some("two three four five"), 6)?;
        assert_eq!(two.ids, [2, 4, 3, 5, 6, 3]);
        let two = tokens.encode("one two three", Some("four five six seven"), 8)?;
        assert_eq!(two.ids, [2, 4, 5, 3, 7, 8, 9, 3]);
        Ok(())
    }

    #[test]
    fn an_empty_text_is_its_special_tokens() -> Result<(), DataError> {
        assert_eq!(tokens().encode("", None, 8)?.ids, [2, 3]);
        assert_eq!(tokens().encode("", Some(""), 8)?.ids, [2, 3, 3]);
        Ok(())
    }

    #[test]
    fn a_length_without_room_is_refused() {
        let refused = |second| {
            tokens()
                .encode("one", second, 2)
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            refused(None),
            "at most 2 tokens a text, but should be 3 or more"
        );
        assert_eq!(
            refused(Some("two")),
            "at most 2 tokens a text, but should be 5 or more"
        );
    }

    #[test]
    fn files_that_are_no_tokenizer_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokenizer.json");
        let refused = || Tokens::load(&path).expect_err("refused").to_string();
        assert!(refused().contains("tokenizer.json"));
        std::fs::write(&path, "{}").unwrap();
        assert!(refused().contains("tokenizer.json"));
        let mut json: serde_json::Value = serde_json::from_str(&tokenizer_json()).unwrap();
        json["padding"] = serde_json::Value::Null;
        let named = json.to_string();
        std::fs::write(&path, &named).unwrap();
        assert_eq!(Tokens::load(&path).unwrap().pad_id(), 0);
        std::fs::write(&path, named.replace("[PAD]", "[FILL]")).unwrap();
        assert!(refused().contains("[PAD] or <pad>"));
        json["post_processor"] = serde_json::Value::Null;
        std::fs::write(&path, json.to_string()).unwrap();
        assert!(refused().contains("its post-processor should be"));
    }

    proptest! {
        #[test]
        fn the_longer_text_loses_tokens_one_by_one(
            lengths in (0_usize..40, 0_usize..40),
            room in 2_usize..60,
        ) {
            let (mut first, mut second) = lengths;
            while first + second > room {
                // Of two equal texts, the one that began shorter is cut; the first, if equal.
                let first_is_longer = first > second || (first == second && lengths.0 <= lengths.1);
                *(if first_is_longer { &mut first } else { &mut second }) -= 1;
            }
            prop_assert_eq!(longest_first(lengths, room), (first, second));
        }
    }
}
