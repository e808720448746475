//! Four tasks of the GLUE benchmark, as tables of tab-separated columns.

use std::path::Path;

use csv::{Position, ReaderBuilder, StringRecord};

use super::{DataError, Split, TextExample, sources};
use crate::task_name::TaskName;

/// What a task's header calls the column of labels.
const LABEL_NAMES: [&str; 2] = ["label", "quality"];

/// A task's files and what is in which column.
struct Format {
    train: &'static str,
    test: &'static str,
    get: &'static str,
    columns: usize,
    first: usize,
    second: Option<usize>,
    label: usize,
    /// Whether a field may be quoted; if not, quotes are literal.
    quoting: bool,
}

impl Format {
    fn of(task: TaskName) -> Option<Self> {
        let sst2 = Self {
            train: "sst2-train.tsv",
            test: "sst2-dev.tsv",
            get: sources::SST2,
            columns: 2,
            first: 0,
            second: None,
            label: 1,
            quoting: false,
        };
        match task {
            TaskName::Sst2 => Some(sst2),
            TaskName::Cola => Some(Self {
                train: "cola-train.tsv",
                test: "cola-dev.tsv",
                get: sources::COLA,
                ..sst2
            }),
            TaskName::Mrpc => Some(Self {
                train: "mrpc-train.tsv",
                test: "mrpc-test.tsv",
                get: sources::MRPC,
                columns: 5,
                first: 3,
                second: Some(4),
                label: 0,
                quoting: false,
            }),
            TaskName::Rte => Some(Self {
                train: "rte-train.tsv",
                test: "rte-dev.tsv",
                get: sources::RTE,
                columns: 4,
                first: 0,
                second: Some(1),
                label: 2,
                quoting: true,
            }),
            TaskName::Squad | TaskName::Fashion | TaskName::Digits => None,
        }
    }
}

/// A task's labelled texts, from files in `dir` or in `dir/glue`.
///
/// | task | files | columns |
/// | --- | --- | --- |
/// | SST-2 | `sst2-train.tsv`, `sst2-dev.tsv` | sentence, label |
/// | MRPC | `mrpc-train.tsv`, `mrpc-test.tsv` | label, id, id, sentence, sentence |
/// | RTE | `rte-train.tsv`, `rte-dev.tsv` | sentence, sentence, label, index |
/// | CoLA | `cola-train.tsv`, `cola-dev.tsv` | sentence, label |
///
/// All may have a header line and a byte-order mark. Quotes are literal, but RTE's fields may be
/// quoted as in CSV. Labels are 0 and 1.
///
/// # Errors
///
/// For a missing file, one that says how to get it; for a bad row, the file and the line; for
/// other tasks, [`DataError::NotTexts`].
pub fn load(task: TaskName, dir: &Path) -> Result<Split<TextExample>, DataError> {
    let format = Format::of(task).ok_or(DataError::NotTexts { task })?;
    let find = |name| sources::find(dir, "glue", name, format.get);
    let (train, test) = (find(format.train)?, find(format.test)?);
    Ok(Split {
        train: read(&train, &format)?,
        test: read(&test, &format)?,
    })
}

fn read(path: &Path, format: &Format) -> Result<Vec<TextExample>, DataError> {
    let table = |source| DataError::Table {
        path: path.to_owned(),
        source,
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(b'\t')
        .quoting(format.quoting)
        .has_headers(false)
        .flexible(true)
        .from_path(path)
        .map_err(table)?;
    let mut examples = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let row = row.map_err(table)?;
        if index > 0 || !is_header(&row, format) {
            examples.push(example(path, &row, format)?);
        }
    }
    if examples.is_empty() {
        return Err(DataError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(examples)
}

fn is_header(row: &StringRecord, format: &Format) -> bool {
    let label = row.get(format.label).unwrap_or_default();
    LABEL_NAMES
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name))
}

fn example(path: &Path, row: &StringRecord, format: &Format) -> Result<TextExample, DataError> {
    let line = row.position().map_or(0, Position::line);
    if row.len() != format.columns {
        return Err(DataError::Columns {
            path: path.to_owned(),
            line,
            expected: format.columns,
            found: row.len(),
        });
    }
    let column = |index| row.get(index).unwrap_or_default();
    let label = match column(format.label) {
        "0" => 0,
        "1" => 1,
        found => {
            return Err(DataError::Label {
                path: path.to_owned(),
                line,
                found: found.to_string(),
            });
        }
    };
    Ok(TextExample {
        first: column(format.first).to_string(),
        second: format.second.map(|index| column(index).to_string()),
        label,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Loads a task of these two files.
    fn loaded(
        task: TaskName,
        train: (&str, &str),
        test: (&str, &str),
    ) -> Result<Split<TextExample>, DataError> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(train.0), train.1).unwrap();
        fs::write(dir.path().join(test.0), test.1).unwrap();
        load(task, dir.path())
    }

    fn sst2(train: &str) -> Result<Split<TextExample>, DataError> {
        loaded(
            TaskName::Sst2,
            ("sst2-train.tsv", train),
            ("sst2-dev.tsv", "fine\t1\n"),
        )
    }

    fn one(first: &str, label: usize) -> TextExample {
        TextExample {
            first: first.to_string(),
            second: None,
            label,
        }
    }

    fn two(first: &str, second: &str, label: usize) -> TextExample {
        TextExample {
            second: Some(second.to_string()),
            ..one(first, label)
        }
    }

    #[test]
    fn sentences_are_read_with_and_without_a_header() -> Result<(), DataError> {
        let rows = [one("a \"dull film", 0), one("good", 1)];
        let split = sst2("a \"dull film\t0\ngood\t1")?;
        assert_eq!(
            (&split.train[..], split.test),
            (&rows[..], vec![one("fine", 1)])
        );
        assert_eq!(
            sst2("sentence\tlabel\na \"dull film\t0\ngood\t1\n")?.train,
            rows
        );
        Ok(())
    }

    #[test]
    fn mrpc_has_a_byte_order_mark_and_literal_quotes() -> Result<(), DataError> {
        let train = "\u{feff}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n\
            1\t10\t11\t\"He\" said.\tHe said \"it\".\r\n0\t12\t13\t\"A\tB\r\n";
        let split = loaded(
            TaskName::Mrpc,
            ("mrpc-train.tsv", train),
            ("mrpc-test.tsv", "1\t1\t2\tx\ty\n"),
        )?;
        let rows = [
            two("\"He\" said.", "He said \"it\".", 1),
            two("\"A", "B", 0),
        ];
        assert_eq!(
            (&split.train[..], split.test),
            (&rows[..], vec![two("x", "y", 1)])
        );
        Ok(())
    }

    #[test]
    fn rte_has_quoted_fields() -> Result<(), DataError> {
        let train = "sentence1\tsentence2\tlabel\tidx\n\
            \"A \"\"red\"\" book, \ttoo.\"\tA \"book\".\t0\t0\nC.\tD.\t1\t1\n";
        let split = loaded(
            TaskName::Rte,
            ("rte-train.tsv", train),
            ("rte-dev.tsv", "E.\tF.\t1\t0\n"),
        )?;
        let rows = [
            two("A \"red\" book, \ttoo.", "A \"book\".", 0),
            two("C.", "D.", 1),
        ];
        assert_eq!(
            (&split.train[..], split.test),
            (&rows[..], vec![two("E.", "F.", 1)])
        );
        Ok(())
    }

    #[test]
    fn files_may_lie_in_a_folder_of_their_own() -> Result<(), DataError> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("glue")).unwrap();
        fs::write(dir.path().join("glue/cola-train.tsv"), "he go\t0\n").unwrap();
        fs::write(dir.path().join("cola-dev.tsv"), "he goes\t1\n").unwrap();
        let split = load(TaskName::Cola, dir.path())?;
        assert_eq!(split.train, [one("he go", 0)]);
        assert_eq!(split.test, [one("he goes", 1)]);
        Ok(())
    }

    fn refused(train: &str, expected: &str) {
        let error = sst2(train).expect_err("refused").to_string();
        assert!(error.contains("sst2-train.tsv"), "{error}");
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn bad_rows_are_named_with_file_and_line() {
        refused("good\t1\nbad\n", "line 2: 1 columns, but should be 2");
        refused("good\t1\tx\n", "line 1: 3 columns, but should be 2");
        refused(
            "good\t1\nso so\t2\n",
            "line 2: label is \"2\", but should be 0 or 1",
        );
        refused("good\t1\nsentence\tlabel\n", "line 2: label is \"label\"");
        refused("good\tgreat\n", "line 1: label is \"great\"");
        refused("sentence\tlabel\n", "holds no examples");
        refused("", "holds no examples");
    }

    #[test]
    fn text_of_another_encoding_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("sst2-train.tsv"), b"caf\xe9\t1\n").unwrap();
        fs::write(dir.path().join("sst2-dev.tsv"), "fine\t1\n").unwrap();
        let error = load(TaskName::Sst2, dir.path()).expect_err("refused");
        assert!(matches!(error, DataError::Table { .. }), "{error}");
    }

    #[test]
    fn a_missing_file_is_named_with_the_way_to_get_it() {
        let dir = tempfile::tempdir().unwrap();
        for (task, file, source) in [
            (TaskName::Sst2, "sst2-train.tsv", "SST-2.zip"),
            (TaskName::Mrpc, "mrpc-train.tsv", "msr_paraphrase_train.txt"),
            (TaskName::Rte, "rte-train.tsv", "RTE.zip"),
            (TaskName::Cola, "cola-train.tsv", "cola_public_1.1.zip"),
        ] {
            let error = load(task, dir.path()).expect_err("missing").to_string();
            assert!(error.contains(file) && error.contains(source), "{error}");
        }
    }

    #[test]
    fn other_tasks_have_no_labelled_texts() {
        let error = load(TaskName::Squad, Path::new(".")).expect_err("refused");
        assert_eq!(error.to_string(), "Squad is no task of labelled texts");
    }
}
