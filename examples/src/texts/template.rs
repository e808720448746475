//! Which post-processors are safe to join texts with.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tokenizers::PostProcessorWrapper;

#[derive(Deserialize)]
struct Template {
    single: Vec<Piece>,
    pair: Vec<Piece>,
    special_tokens: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
enum Piece {
    Sequence { id: Text, type_id: u32 },
    SpecialToken { id: String, type_id: u32 },
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum Text {
    A,
    B,
}

/// Whether a tokenizer's post-processor is BERT's, or a template with each text once, special
/// tokens that it knows, and types 0 and 1. The tokenizers crate does not check that of a file.
pub(super) fn is_sound(processor: Option<&PostProcessorWrapper>) -> bool {
    match processor {
        Some(PostProcessorWrapper::Bert(_)) => true,
        Some(PostProcessorWrapper::Template(template)) => {
            let template = serde_json::to_value(template).and_then(Template::deserialize);
            template.is_ok_and(|template| template.is_sound())
        }
        _ => false,
    }
}

impl Template {
    fn is_sound(&self) -> bool {
        let count = |pieces: &[Piece], text| {
            let is_text =
                |piece: &&Piece| matches!(piece, Piece::Sequence { id, .. } if *id == text);
            pieces.iter().filter(is_text).count()
        };
        let counts = |pieces| [count(pieces, Text::A), count(pieces, Text::B)];
        counts(&self.single) == [1, 0]
            && counts(&self.pair) == [1, 1]
            && self
                .single
                .iter()
                .chain(&self.pair)
                .all(|piece| match piece {
                    Piece::Sequence { type_id, .. } => *type_id < 2,
                    Piece::SpecialToken { id, type_id } => {
                        *type_id < 2 && self.special_tokens.contains_key(id)
                    }
                })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::texts::testing::tokenizer_json;

    fn sound(change: impl FnOnce(&mut Value)) -> bool {
        let mut file: Value = serde_json::from_str(&tokenizer_json()).unwrap();
        change(&mut file["post_processor"]);
        let processor = serde_json::from_value(file["post_processor"].take()).unwrap();
        is_sound(Some(&processor))
    }

    #[test]
    fn only_templates_that_can_be_followed_are_sound() {
        assert!(sound(|_| ()));
        assert!(!sound(
            |template| template["single"][1]["Sequence"]["id"] = json!("B")
        ));
        assert!(!sound(
            |template| template["pair"][3]["Sequence"]["id"] = json!("A")
        ));
        assert!(!sound(
            |template| template["pair"][4]["SpecialToken"]["type_id"] = json!(2)
        ));
        assert!(!sound(|template| template["special_tokens"] = json!({})));
        assert!(!is_sound(None));
    }

    #[test]
    fn berts_own_is_sound() {
        let bert = json!({ "type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2] });
        assert!(sound(|processor| *processor = bert));
    }
}
