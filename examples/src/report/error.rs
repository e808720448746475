//! What can go wrong.

use std::fmt;
use std::path::Path;

use plotters::drawing::DrawingAreaErrorKind;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The line, from 1 on.
    pub line: usize,
}

impl Place {
    /// A line of a file.
    pub fn new(path: &Path, line: usize) -> Self {
        let path = path.display().to_string();
        Self { path, line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder that cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line that is not a run.
    #[error("{place}: {source}")]
    Line {
        /// The line.
        place: Place,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A number that cannot be.
    #[error("{place}: {name} is {value}, but should be in {range}")]
    Range {
        /// The line.
        place: Place,
        /// What the number is of.
        name: String,
        /// The number.
        value: f64,
        /// Where it should be.
        range: &'static str,
    },
    /// Two runs of the same settings that are not the same.
    #[error("{second} has the settings of {first}, but is another run")]
    Duplicate {
        /// The earlier line.
        first: Place,
        /// The later line.
        second: Place,
    },
    /// Two dense models of the same seed and training that are not the same.
    #[error(
        "{second} trains the dense model of {first} again, but its result is {}, not {}",
        shown(.other),
        shown(.one)
    )]
    Dense {
        /// The earlier line.
        first: Place,
        /// The later line.
        second: Place,
        /// The earlier result.
        one: Option<f64>,
        /// The later result.
        other: Option<f64>,
    },
    /// Files without a single run.
    #[error("no runs in {0}")]
    NoRuns(String),
    /// A block for a table that is not made.
    #[error(
        "{place}: no table is named `{name}`; there are {known}, each also for one task, as in \
         `before:sst2`"
    )]
    UnknownTable {
        /// The line.
        place: Place,
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// A block that does not end.
    #[error("{place}: the block `{name}` has no `<!-- report:end -->`")]
    NoEnd {
        /// The line of its start.
        place: Place,
        /// The name.
        name: String,
    },
    /// An end without a start.
    #[error("{place}: the end of a block that does not start")]
    NoStart {
        /// The line.
        place: Place,
    },
    /// A plot that cannot be drawn.
    #[error("drawing: {0}")]
    Draw(#[from] DrawingAreaErrorKind<std::io::Error>),
}

impl Error {
    /// An error of a file or folder.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io {
            path: path.display().to_string(),
            source,
        }
    }
}

fn shown(result: &Option<f64>) -> String {
    result.map_or("none".to_string(), |result| result.to_string())
}
