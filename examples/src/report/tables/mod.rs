//! The tables, in Markdown.

mod caption;
mod idea;
mod name;
mod others;
mod paper;
mod sparsities;
mod strategies;
mod time;

pub use name::TableName;

use super::group::Group;
use super::select::tasks;
use super::text::{name as name_of, title};
use crate::finetune::When;
use crate::task_name::TaskName;

/// All tables of all tasks.
#[derive(Debug, Clone)]
pub struct Tables {
    made: Vec<(TableName, TaskName, String)>,
}

impl Tables {
    /// Makes all tables.
    pub fn of(groups: &[Group<'_>]) -> Self {
        let mut made = Vec::new();
        for table in TableName::ALL {
            for task in tasks(groups) {
                let text = match table {
                    TableName::Before => sparsities::table(groups, task, When::Before),
                    TableName::During => sparsities::table(groups, task, When::During),
                    TableName::Others => others::table(groups, task),
                    TableName::Idea => idea::table(groups, task),
                    TableName::Strategies => strategies::table(groups, task),
                    TableName::Paper => paper::table(groups, task),
                    TableName::Time => time::table(groups, task),
                };
                made.extend(text.map(|text| (table, task, text)));
            }
        }
        Self { made }
    }

    /// A table of one task or of all, with a line for a table without runs.
    pub fn get(&self, table: TableName, task: Option<TaskName>) -> String {
        let wanted = |(of, by, _): &&(TableName, TaskName, String)| {
            *of == table && task.is_none_or(|task| task == *by)
        };
        let texts = self.made.iter().filter(wanted);
        let mut texts: Vec<&str> = texts.map(|(_, _, text)| text.as_str()).collect();
        if texts.is_empty() {
            return "No runs.\n".to_string();
        }
        match table {
            TableName::Idea => texts.push(idea::NOTE),
            TableName::Paper => texts.push(paper::NOTE),
            _ => {}
        }
        texts.join("\n")
    }

    /// All tables as one document.
    pub fn document(&self) -> String {
        let mut text =
            "# Results of fine-tuning\n\nMade by `cargo run --release --example report`. \
                        Results are hundredths: mean ± sample standard deviation (number of \
                        seeds).\n"
                .to_string();
        for table in TableName::ALL {
            let heading = format!("{}: {}", name_of(table), table.about());
            text += &format!("\n## {heading}\n\n{}", self.get(table, None));
        }
        text
    }
}

/// The task's name at the start of a line above a table.
fn start(task: TaskName, rest: &str) -> String {
    format!("**{}, {rest}.**", title(task))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::group::groups;
    use crate::report::testing::{entries, run};

    #[test]
    fn a_table_is_found_by_its_name_and_task() {
        let entries = entries(vec![run()]);
        let tables = Tables::of(&groups(&entries).unwrap());
        let before = tables.get(TableName::Before, Some(TaskName::Sst2));
        assert_eq!(tables.get(TableName::Before, None), before);
        assert!(before.contains("| seven | 90.00 (1) |"), "{before}");
        assert_eq!(
            tables.get(TableName::Before, Some(TaskName::Rte)),
            "No runs.\n"
        );
        assert!(tables.document().contains(&before));
    }

    #[test]
    fn a_note_is_said_once_below_the_tables_of_all_tasks() {
        let mut mrpc = run();
        mrpc.settings.task = TaskName::Mrpc;
        let entries = entries(vec![run(), mrpc]);
        let text = Tables::of(&groups(&entries).unwrap()).get(TableName::Paper, None);
        assert_eq!(text.matches(paper::NOTE).count(), 1);
        assert!(text.contains("**MRPC") && text.contains("**SST-2"));
        assert!(text.ends_with(paper::NOTE));
    }
}
