//! What the readers of texts give.

/// A text, or two, and its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextExample {
    /// The text.
    pub first: String,
    /// The text that it is compared with, in tasks of two.
    pub second: Option<String>,
    /// The class, 0 or 1.
    pub label: usize,
}

/// Examples to train on, and others to test on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split<T> {
    /// To train on.
    pub train: Vec<T>,
    /// To test on.
    pub test: Vec<T>,
}
