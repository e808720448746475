//! What can be wrong with a task's files.

use crate::task_name::TaskName;
use std::path::PathBuf;

/// Why a task's data could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file is not there.
    #[error("{path} is missing, and its folder has no {folder}/ with it; to get it:\n{get}")]
    Missing {
        /// Where the file was looked for first.
        path: PathBuf,
        /// The folder beside it that may have it too.
        folder: &'static str,
        /// Commands that get the set.
        get: &'static str,
    },
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A table is no valid UTF-8, or could not be read.
    #[error("{path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// Why, with the line.
        source: csv::Error,
    },
    /// A row of a table has too few or too many columns.
    #[error("{path}, line {line}: {found} columns, but should be {expected}")]
    Columns {
        /// The file.
        path: PathBuf,
        /// The row's first line, from 1 on.
        line: u64,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A label is neither 0 nor 1.
    #[error("{path}, line {line}: label is {found:?}, but should be 0 or 1")]
    Label {
        /// The file.
        path: PathBuf,
        /// The row's first line, from 1 on.
        line: u64,
        /// The label.
        found: String,
    },
    /// A file holds no examples.
    #[error("{path} holds no examples")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A file is not the JSON that it should be.
    #[error("{path}: {source}")]
    Json {
        /// The file.
        path: PathBuf,
        /// Why, with the line.
        source: serde_json::Error,
    },
    /// A question that should have an answer has none.
    #[error("{path}, question {question}: no answer, and not marked as impossible")]
    NoAnswer {
        /// The file.
        path: PathBuf,
        /// The question's id.
        question: String,
    },
    /// An answer is not where it should be in its text.
    #[error("{path}, question {question}: answer is {expected:?}, but its place holds {found:?}")]
    Answer {
        /// The file.
        path: PathBuf,
        /// The question's id.
        question: String,
        /// The answer.
        expected: String,
        /// What is at its place.
        found: String,
    },
    /// Too few articles to split between training and testing.
    #[error("{path}: {found} articles with answerable questions, but should be 2 or more")]
    Articles {
        /// The file.
        path: PathBuf,
        /// How many there are.
        found: usize,
    },
    /// A file's first four bytes are those of another format.
    #[error("{path}: magic number is {found:#010x}, but should be {expected:#010x}")]
    Magic {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// A file is shorter or longer than its header says.
    #[error("{path}: {found} bytes (unpacked), but its header asks for {expected}")]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes in all, by the header.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Images have another size.
    #[error("{path}: images of {rows}x{columns} pixels, but should be {side}x{side}")]
    Side {
        /// The file.
        path: PathBuf,
        /// Their rows.
        rows: usize,
        /// Their columns.
        columns: usize,
        /// What both should be.
        side: usize,
    },
    /// There is not one label an image.
    #[error("{path}: {labels} labels of {images} images")]
    Count {
        /// The labels' file.
        path: PathBuf,
        /// How many images there are.
        images: usize,
        /// How many labels there are.
        labels: usize,
    },
    /// A label names no class.
    #[error("{path}: label {index} is {found}, but should be less than {classes}")]
    Class {
        /// The file.
        path: PathBuf,
        /// Which label, from 0 on.
        index: usize,
        /// The label.
        found: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A tokenizer's file could not be read, or the tokenizer failed.
    #[error("{path}: {source}")]
    Tokenizer {
        /// The tokenizer's file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A tokenizer has no token to pad with.
    #[error("{path}: neither padding nor a token [PAD] or <pad>")]
    NoPad {
        /// The tokenizer's file.
        path: PathBuf,
    },
    /// A tokenizer joins texts in a way that a model of one or two texts cannot read.
    #[error(
        "{path}: its post-processor should be BertProcessing, or TemplateProcessing with each \
         text once, special tokens that it lists, and types 0 and 1"
    )]
    Template {
        /// The tokenizer's file.
        path: PathBuf,
    },
    /// There is no room for any text.
    #[error("at most {found} tokens a text, but should be {least} or more")]
    MaxLength {
        /// The most tokens.
        found: usize,
        /// The fewest that make sense: special tokens and one more for each text.
        least: usize,
    },
    /// A task whose examples are no labelled texts.
    #[error("{task:?} is no task of labelled texts")]
    NotTexts {
        /// The task.
        task: TaskName,
    },
}
