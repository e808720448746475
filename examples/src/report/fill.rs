//! Tables put into a Markdown file, between the comments that name them.

use std::path::Path;

use clap::ValueEnum;

use super::error::{Error, Place};
use super::tables::{TableName, Tables};
use super::text::name as name_of;
use crate::task_name::TaskName;

/// The text with all that is between `<!-- report:NAME -->` and `<!-- report:end -->` replaced by
/// the table of that name. Both comments are lines of their own; all else stays as it is, byte for
/// byte. `path` is for errors only.
///
/// # Errors
///
/// A name that no table has, a block without an end, or an end without a block.
pub fn fill(text: &str, tables: &Tables, path: &Path) -> Result<String, Error> {
    let mut filled = String::with_capacity(text.len());
    let mut open: Option<(Place, String)> = None;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let place = Place::new(path, index + 1);
        match (marker(line), &open) {
            (None, None) => filled.push_str(line),
            (None, Some(_)) => {}
            (Some("end"), Some(_)) => {
                open = None;
                filled.push_str(line);
            }
            (Some("end"), None) => return Err(Error::NoStart { place }),
            (Some(_), Some(_)) => break,
            (Some(name), None) => {
                filled.push_str(line);
                filled.push_str(&format!("\n{}\n", table(tables, name, &place)?));
                open = Some((place, name.to_string()));
            }
        }
    }
    match open {
        None => Ok(filled),
        Some((place, name)) => Err(Error::NoEnd { place, name }),
    }
}

/// The name in a line that is a comment of ours.
fn marker(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("<!-- report:")?;
    Some(rest.strip_suffix("-->").unwrap_or(rest).trim())
}

fn table(tables: &Tables, name: &str, place: &Place) -> Result<String, Error> {
    let (table, task) = match name.split_once(':') {
        None => (name, None),
        Some((table, task)) => (table, Some(task)),
    };
    let found = TableName::from_str(table, false).ok();
    let task = task.map(|task| TaskName::from_str(task, false)).transpose();
    match (found, task) {
        (Some(table), Ok(task)) => Ok(tables.get(table, task)),
        _ => Err(Error::UnknownTable {
            place: place.clone(),
            name: name.to_string(),
            known: TableName::ALL.map(name_of).join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run};

    fn filled(text: &str) -> Result<String, String> {
        let entries = entries(vec![run()]);
        let tables = Tables::of(&groups(&entries).unwrap());
        fill(text, &tables, Path::new("x.md")).map_err(|error| error.to_string())
    }

    #[test]
    fn blocks_are_replaced_and_all_else_is_untouched() {
        let text = "a\r\n\n<!-- report:before:sst2 -->\nold\n<!-- report:end -->\n  z\t";
        let new = filled(text).unwrap();
        assert!(new.starts_with("a\r\n\n<!-- report:before:sst2 -->\n\n**SST-2, pruned"));
        assert!(new.ends_with("| seven | 90.00 (1) |\n\n<!-- report:end -->\n  z\t"));
        assert!(!new.contains("old"));
        assert_eq!(filled(&new).unwrap(), new);
    }

    #[test]
    fn text_without_blocks_stays() {
        for text in [
            "",
            "no end of line",
            "`<!-- report:before -->` in a line\r\n",
        ] {
            assert_eq!(filled(text).unwrap(), text);
        }
    }

    #[test]
    fn tasks_without_runs_are_said_to_have_none() {
        let new = filled("<!-- report:idea:rte -->\n<!-- report:end -->").unwrap();
        assert_eq!(
            new,
            "<!-- report:idea:rte -->\n\nNo runs.\n\n<!-- report:end -->"
        );
    }

    #[test]
    fn unknown_names_are_errors() {
        for name in ["after", "before:sst3", "before:", "", "before -- >"] {
            let error = filled(&format!("\n<!-- report:{name} -->\n<!-- report:end -->\n"));
            let expected = format!("x.md:2: no table is named `{name}`; there are before, during");
            assert!(error.unwrap_err().starts_with(&expected));
        }
    }

    #[test]
    fn blocks_without_end_or_start_are_errors() {
        let open = "x.md:1: the block `time` has no `<!-- report:end -->`";
        assert_eq!(filled("<!-- report:time -->\n").unwrap_err(), open);
        let nested = "<!-- report:time -->\n<!-- report:idea -->\n<!-- report:end -->\n";
        assert_eq!(filled(nested).unwrap_err(), open);
        assert_eq!(
            filled("\n<!-- report:end -->").unwrap_err(),
            "x.md:2: the end of a block that does not start"
        );
    }
}
