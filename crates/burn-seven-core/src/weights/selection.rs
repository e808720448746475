//! Which weights of a model are pruned.

use burn::module::ParamGroup;
use serde::{Deserialize, Serialize};

use super::Found;
use crate::Error;

/// Which weights of a model are pruned.
///
/// By default: every float parameter of rank 2 or more that is not an embedding table, as the
/// SEVEN paper does it but for the task head, which only the user can name:
///
/// ```
/// use burn::module::ParamGroup;
/// use burn_seven_core::Selection;
///
/// let selection = Selection::new().without(ParamGroup::from_paths(vec!["head.weight"]));
/// ```
///
/// A group by exact paths leaves out just these; `from_predicate("head")` would also leave out
/// `multi_head.weight`. Every name has to be there: a misspelt one is an error.
///
/// A parameter is pruned when it is in the group, in none of the groups left out, of rank 2 or
/// more (unless [`with_vectors`](Self::with_vectors)), and not an embedding table (unless
/// [`with_embeddings`](Self::with_embeddings)).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Selection {
    group: ParamGroup,
    without: Vec<ParamGroup>,
    vectors: Option<ParamGroup>,
    embeddings: bool,
}

/// A float parameter that is not pruned, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The parameter's path in the module.
    pub path: String,
    /// How many values it holds.
    pub count: usize,
    /// Why it is left out.
    pub reason: String,
}

impl Default for Selection {
    fn default() -> Self {
        Self::new()
    }
}

impl Selection {
    /// All weights of rank 2 and more, without embeddings.
    pub fn new() -> Self {
        Self {
            group: ParamGroup::all(),
            without: Vec::new(),
            vectors: None,
            embeddings: false,
        }
    }

    /// Prunes only what `group` matches, by path or by id.
    pub fn with_group(mut self, group: ParamGroup) -> Self {
        self.group = group;
        self
    }

    /// Leaves out what `group` matches, such as the task head. May be called more than once. A group
    /// that matches no parameter is an error when the selection is used.
    pub fn without(mut self, group: ParamGroup) -> Self {
        self.without.push(group);
        self
    }

    /// Also prunes what `group` matches of rank 1, such as biases. Default: none
    pub fn with_vectors(mut self, group: ParamGroup) -> Self {
        self.vectors = Some(group);
        self
    }

    /// Whether embedding tables (the weights of layers named `Embedding`) are pruned too.
    pub fn with_embeddings(mut self, embeddings: bool) -> Self {
        self.embeddings = embeddings;
        self
    }

    /// Why a parameter is left out, or none when it is selected.
    fn reason(&self, found: &Found) -> Option<&'static str> {
        let matches = |group: &ParamGroup| group.matches(&found.id, Some(found.path()));
        let (weight, vectors) = (&found.weight, self.vectors.as_ref());
        if !matches(&self.group) {
            Some("not in the group")
        } else if self.without.iter().any(matches) {
            Some("left out by name")
        } else if weight.shape().len() < 2 && !vectors.is_some_and(matches) {
            Some("rank below 2")
        } else if !self.embeddings && weight.layer() == Some("Embedding") {
            Some("embedding table")
        } else if weight.count() == 0 {
            Some("empty")
        } else {
            None
        }
    }

    /// Whether a parameter is selected.
    pub(crate) fn selects(&self, found: &Found) -> bool {
        self.reason(found).is_none()
    }

    /// Splits a model's float parameters into the selected ones and the others.
    ///
    /// # Errors
    ///
    /// [`Error::NothingSelected`]; [`Error::NothingLeftOut`] for a group to leave out, or one of its
    /// names, that matches nothing, such as a misspelt one; [`Error::Quantized`] for a selected
    /// weight that is.
    pub(crate) fn split(&self, all: Vec<Found>) -> Result<(Vec<Found>, Vec<LeftOut>), Error> {
        let seen = all.len();
        for group in self.without.iter().chain(&self.vectors) {
            check_group(group, &all)?;
        }
        check_names(&self.group, all.iter().map(Found::path))?;
        let mut selected = Vec::new();
        let mut left_out = Vec::new();
        for found in all {
            match self.reason(&found) {
                Some(reason) => left_out.push(LeftOut {
                    count: found.weight.count(),
                    path: found.path().to_string(),
                    reason: reason.to_string(),
                }),
                None => {
                    found.weight.check_float()?;
                    selected.push(found);
                }
            }
        }
        if selected.is_empty() {
            return Err(Error::NothingSelected {
                seen,
                reasons: tally(&left_out),
            });
        }
        Ok((selected, left_out))
    }
}

/// Checks that a group matches something, and that each of its exact paths does.
pub(crate) fn check_group(group: &ParamGroup, all: &[Found]) -> Result<(), Error> {
    let matches = |found: &Found| group.matches(&found.id, Some(found.path()));
    match all.iter().any(matches) {
        true => check_names(group, all.iter().map(Found::path)),
        false => Err(Error::NothingLeftOut {
            group: format!("{group:?}"),
        }),
    }
}

/// Checks that each exact path of a group is there.
pub(crate) fn check_names<'a>(
    group: &ParamGroup,
    paths: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Error> {
    match names(group).find(|name| !paths.clone().any(|path| path == name)) {
        Some(missing) => Err(Error::NothingLeftOut {
            group: format!("the name {missing:?}"),
        }),
        None => Ok(()),
    }
}

/// The exact paths that a group names. Burn keeps them to itself, but for what a group is written
/// to disk as.
fn names(group: &ParamGroup) -> impl Iterator<Item = String> {
    let mut names = Vec::new();
    let mut left = vec![serde_json::to_value(group).unwrap_or_default()];
    while let Some(value) = left.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                for (key, value) in fields {
                    match (key.as_str(), value) {
                        ("Exact", serde_json::Value::Array(exact)) => {
                            let exact = exact.into_iter();
                            names.extend(exact.filter_map(|name| Some(name.as_str()?.to_string())));
                        }
                        ("excludes", _) => {}
                        (_, value) => left.push(value),
                    }
                }
            }
            serde_json::Value::Array(values) => left.extend(values),
            _ => {}
        }
    }
    names.into_iter()
}

/// "3 rank below 2, 1 embedding table", in order of first appearance.
fn tally(left_out: &[LeftOut]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for LeftOut { reason, .. } in left_out {
        match counts.iter_mut().find(|(seen, _)| seen == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    if counts.is_empty() {
        return "none of them float".to_string();
    }
    let parts: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    parts.join(", ")
}
