//! Words and numbers as they stand in tables and plots.

use clap::ValueEnum;

use crate::finetune::When;
use crate::task_name::TaskName;

/// A choice as on the command line.
pub fn name(choice: impl ValueEnum) -> String {
    let value = choice.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_string())
}

/// A task as people write it.
pub fn title(task: TaskName) -> &'static str {
    match task {
        TaskName::Sst2 => "SST-2",
        TaskName::Mrpc => "MRPC",
        TaskName::Rte => "RTE",
        TaskName::Cola => "CoLA",
        TaskName::Squad => "SQuAD",
        TaskName::Fashion => "Fashion-MNIST",
        TaskName::Digits => "Digits",
    }
}

/// When weights are removed, as part of a sentence.
pub fn pruned(when: When) -> &'static str {
    match when {
        When::Before => "pruned before fine-tuning",
        When::During => "pruned during fine-tuning",
    }
}

/// A share in hundredths: `85.21`.
pub fn points(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share);
    if text == "-0.00" {
        "0.00".to_string()
    } else {
        text
    }
}

/// A difference of shares in hundredths: `+1.20`.
pub fn signed(share: f64) -> String {
    let text = points(share);
    if text.starts_with('-') || text == "0.00" {
        text
    } else {
        format!("+{text}")
    }
}

/// Words from a file, without what would break a table or a plot.
pub fn plain(text: &str) -> String {
    let allowed = |c: char| !c.is_control() && !matches!(c, '|' | '<' | '>' | '`' | '\u{fffe}'..);
    let clean = |c| if allowed(c) { c } else { ' ' };
    text.chars().map(clean).collect()
}

/// A table in Markdown; its first column is words, the others are numbers. Rows are as long as the
/// header.
pub fn table(header: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<String> = (0..header.len())
        .map(|column| if column == 0 { "---" } else { "--:" }.to_string())
        .collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}{}{rows}", line(header), line(&rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        assert_eq!(name(TaskName::Sst2), "sst2");
        assert_eq!(name(When::Before), "before");
    }

    #[test]
    fn shares_are_hundredths_and_zero_has_no_sign() {
        assert_eq!(points(0.85214), "85.21");
        assert_eq!(points(-0.000001), "0.00");
        assert_eq!(signed(0.012), "+1.20");
        assert_eq!(signed(-0.012), "-1.20");
        assert_eq!(signed(0.0), "0.00");
    }

    #[test]
    fn words_from_a_file_cannot_break_a_table_or_a_plot() {
        assert_eq!(plain("a|b\n\u{0}<c>`é"), "a b   c  é");
    }

    #[test]
    fn a_table_is_a_header_a_rule_and_rows() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let made = table(&words(&["x", "y"]), &[words(&["a", "1"])]);
        assert_eq!(made, "| x | y |\n| --- | --: |\n| a | 1 |\n");
    }
}
