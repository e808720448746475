//! A tokenizer small enough to follow by hand.

use serde_json::json;

use super::Tokens;

/// Ids 0 to 3 are `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]`; then come these words, `##s` and `##e`.
pub(crate) const WORDS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "who", "is", "?", "caf",
];

/// A tokenizer's file: lower case, split at spaces and punctuation, word pieces, BERT's special
/// tokens; it also asks for truncation to 5 tokens and padding to 6.
pub(crate) fn tokenizer_json() -> String {
    let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
    let words = specials.iter().chain(&WORDS).chain(&["##s", "##e"]);
    let vocab: serde_json::Map<_, _> = words
        .zip(0_u32..)
        .map(|(word, id)| (word.to_string(), id.into()))
        .collect();
    let special = |id: &str, kind: u32| json!({ "SpecialToken": { "id": id, "type_id": kind } });
    let text = |id: &str, kind: u32| json!({ "Sequence": { "id": id, "type_id": kind } });
    json!({
        "version": "1.0",
        "truncation": {
            "direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0,
        },
        "padding": {
            "strategy": { "Fixed": 6 }, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]",
        },
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
            "strip_accents": null, "lowercase": true,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]", 0), text("A", 0), special("[SEP]", 0)],
            "pair": [
                special("[CLS]", 0), text("A", 0), special("[SEP]", 0), text("B", 1),
                special("[SEP]", 1),
            ],
            "special_tokens": {
                "[CLS]": { "id": "[CLS]", "ids": [2], "tokens": ["[CLS]"] },
                "[SEP]": { "id": "[SEP]", "ids": [3], "tokens": ["[SEP]"] },
            },
        },
        "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocab,
        },
    })
    .to_string()
}

/// The tokenizer of [`tokenizer_json`].
pub(crate) fn tokens() -> Tokens {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    std::fs::write(&path, tokenizer_json()).unwrap();
    Tokens::load(&path).unwrap()
}
