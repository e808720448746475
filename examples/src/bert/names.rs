//! How Hugging Face names the tensors that are here named by fields.

/// Hugging Face's name and ours, of a module outside the layers.
const OUTER: [(&str, &str); 4] = [
    ("embeddings.word_embeddings", "embeddings.word"),
    ("embeddings.position_embeddings", "embeddings.position"),
    ("embeddings.token_type_embeddings", "embeddings.token_type"),
    ("embeddings.LayerNorm", "embeddings.norm"),
];

/// Hugging Face's name and ours, of a module inside a layer.
const INNER: [(&str, &str); 8] = [
    ("attention.self.query", "attention.query"),
    ("attention.self.key", "attention.key"),
    ("attention.self.value", "attention.value"),
    ("attention.output.dense", "attention.output"),
    ("attention.output.LayerNorm", "attention_norm"),
    ("intermediate.dense", "up"),
    ("output.dense", "down"),
    ("output.LayerNorm", "output_norm"),
];

/// Regular expressions for Hugging Face's names and what to put in their place, with or without a
/// leading `bert.`.
pub fn patterns() -> impl Iterator<Item = (String, String)> {
    let outer = OUTER.iter().map(|(theirs, ours)| {
        let theirs = theirs.replace('.', r"\.");
        (
            format!(r"^(?:bert\.)?{theirs}\.(\w+)$"),
            format!("{ours}.${{1}}"),
        )
    });
    let inner = INNER.iter().map(|(theirs, ours)| {
        let theirs = theirs.replace('.', r"\.");
        (
            format!(r"^(?:bert\.)?encoder\.layer\.(\d+)\.{theirs}\.(\w+)$"),
            format!("layers.${{1}}.{ours}.${{2}}"),
        )
    });
    outer.chain(inner)
}

/// Hugging Face's name of one of our tensors, for messages.
pub fn theirs(ours: &str) -> String {
    let Some((module, field)) = ours.rsplit_once('.') else {
        return ours.to_string();
    };
    let field = match field {
        "gamma" => "weight",
        "beta" => "bias",
        field => field,
    };
    let of = |names: &[(&str, &str)], module: &str| {
        let found = names.iter().find(|(_, ours)| *ours == module);
        found.map_or(module.to_string(), |(theirs, _)| theirs.to_string())
    };
    let inner = module.strip_prefix("layers.");
    match inner.and_then(|inner| inner.split_once('.')) {
        Some((layer, inner)) => format!("encoder.layer.{layer}.{}.{field}", of(&INNER, inner)),
        None => format!("{}.{field}", of(&OUTER, module)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_messages_are_hugging_face_s() {
        for (ours, expected) in [
            (
                "embeddings.word.weight",
                "embeddings.word_embeddings.weight",
            ),
            ("embeddings.norm.beta", "embeddings.LayerNorm.bias"),
            (
                "layers.3.attention.output.weight",
                "encoder.layer.3.attention.output.dense.weight",
            ),
            (
                "layers.11.attention_norm.gamma",
                "encoder.layer.11.attention.output.LayerNorm.weight",
            ),
        ] {
            assert_eq!(theirs(ours), expected);
        }
    }
}
