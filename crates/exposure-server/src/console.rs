//! What is written to standard output: tables for people, JSON for programs.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::failure::{Failure, Result};

/// Writes a line. A reader that went away (`| head`) ends the command without a word.
pub(crate) fn line(text: impl AsRef<str>) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
    written.map_err(|cause| unwritten(&cause))
}

/// Writes one JSON value as a line.
pub(crate) fn json(value: &Value) -> Result<()> {
    line(value.to_string())
}

fn unwritten(cause: &io::Error) -> Failure {
    if cause.kind() == io::ErrorKind::BrokenPipe {
        return Failure::Failed(String::new());
    }
    Failure::failed(format!("standard output: {cause}"))
}

/// Rows under headings, each column as wide as its widest cell.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Writes the rows, or `nothing` where there are none.
    pub(crate) fn print(&self, nothing: &str) -> Result<()> {
        if self.rows.len() < 2 {
            return line(nothing);
        }
        for text in self.lines() {
            line(text)?;
        }
        Ok(())
    }

    fn lines(&self) -> Vec<String> {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(move |row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..n_columns).map(width).collect();
        let padded = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(padded).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["flag", "variant"]);
        table.row(["checkout".to_owned(), "on".to_owned()]);
        assert_eq!(table.lines(), ["flag      variant", "checkout  on"]);
    }
}
