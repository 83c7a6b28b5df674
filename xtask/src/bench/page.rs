//! A page of results, in Markdown: written whole by the bench that measured it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::machine;
use crate::workspace;

/// Where pages and plots are kept.
const DIRECTORY: &str = "docs/performance";

/// A page that is being written.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// A page with its title, the command that writes it, and what it was measured on.
    pub(super) fn new(title: &str, command: &str) -> Self {
        let mut page = Self { text: format!("# {title}\n") };
        page.paragraph(&format!("`{command}` measured this and wrote this page."));
        page.lines(&machine::lines());
        page
    }

    pub(super) fn heading(&mut self, heading: &str) {
        self.paragraph(&format!("## {heading}"));
    }

    /// A paragraph, a blank line before it.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.text.push('\n');
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Lines that belong together.
    pub(super) fn lines(&mut self, lines: &[String]) {
        self.paragraph(&lines.join("\n"));
    }

    /// A block of commands or settings.
    pub(super) fn block(&mut self, lines: &[String]) {
        self.paragraph(&format!("```text\n{}\n```", lines.join("\n")));
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.paragraph(table.markdown().trim_end());
    }

    /// Writes it under the directory of results, or where `out` says, and says where.
    pub(super) fn write(&self, name: &str, out: Option<&Path>) -> anyhow::Result<()> {
        write(&path(name, out), &self.text)
    }
}

/// The path of a result.
pub(super) fn path(name: &str, out: Option<&Path>) -> PathBuf {
    out.map_or_else(|| workspace::root().join(DIRECTORY), Path::to_path_buf).join(name)
}

/// Writes a file of results and says so.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .with_context(|| format!("failed to make {}", directory.display()))?;
    }
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    println!("written: {}", path.display());
    Ok(())
}

/// Rows under names of columns.
#[derive(Debug, Clone)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        Self { rows: vec![columns.iter().map(|&column| column.to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints it for a terminal, its columns aligned.
    pub(super) fn print(&self) {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column| {
            let cells = self.rows.iter().filter_map(|row: &Vec<String>| row.get(column));
            cells.map(|cell: &String| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..n_columns).map(width).collect();
        println!();
        for row in &self.rows {
            let cells: Vec<_> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
        println!();
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            let row: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            text.push_str(&["| ", &row.join(" | "), " |\n"].concat());
            if index == 0 {
                text.push_str(&"|---".repeat(row.len()));
                text.push_str("|\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["what", "events/s"]);
        table.row(["a | b".to_owned(), "1,000".to_owned()]);
        assert_eq!(table.markdown(), "| what | events/s |\n|---|---|\n| a \\| b | 1,000 |\n");
        let mut page = Page::new("Results", "cargo xtask bench x");
        page.table(&table);
        assert!(page.text.starts_with("# Results\n\n`cargo xtask bench x` measured this"));
        assert!(page.text.ends_with("| 1,000 |\n"));
    }
}
