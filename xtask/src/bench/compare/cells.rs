//! What is measured, and what is held against what.

use super::super::load::{STREAM_1000, UNARY_1000};

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contender {
    Exposure,
    /// Decodes and acknowledges.
    Null,
    Postgres,
    Redis,
}

/// One load on one server.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) name: &'static str,
    pub(super) contender: Contender,
    /// Cells of one group are held against each other: the one of ours against all others.
    pub(super) group: &'static str,
    /// Arguments of the generator, apart from how long and how many registers.
    pub(super) args: &'static [&'static str],
}

const fn cell(
    group: &'static str,
    name: &'static str,
    contender: Contender,
    args: &'static [&'static str],
) -> Cell {
    Cell { name, contender, group, args }
}

const SINGLE: &[&str] =
    &["--mode", "unary", "--batch", "1", "--in-flight", "64", "--connections", "8"];

const BATCHES: &str = "batches of 1000";
const SINGLES: &str = "single events";

/// In the order in which each round goes through them.
pub(super) const CELLS: &[Cell] = &[
    cell(BATCHES, "exposure, unary, 8 in flight", Contender::Exposure, UNARY_1000),
    cell(
        BATCHES,
        "PostgreSQL UNNEST, 2 connections",
        Contender::Postgres,
        &["--connections", "2", "--batch", "1000"],
    ),
    cell(
        BATCHES,
        "Redis function, 1 connection",
        Contender::Redis,
        &["--connections", "1", "--batch", "1000"],
    ),
    cell(
        BATCHES,
        "Redis function, 4 connections",
        Contender::Redis,
        &["--connections", "4", "--batch", "1000"],
    ),
    cell(BATCHES, "null server, unary, 8 in flight", Contender::Null, UNARY_1000),
    cell(STREAMS, "exposure, 4 streams", Contender::Exposure, STREAM_1000),
    cell(STREAMS, "null server, 4 streams", Contender::Null, STREAM_1000),
    cell(SINGLES, "exposure, unary, 64 in flight", Contender::Exposure, SINGLE),
    cell(
        SINGLES,
        "PostgreSQL prepared, 16 clients",
        Contender::Postgres,
        &["--connections", "16", "--batch", "1"],
    ),
    cell(
        SINGLES,
        "PostgreSQL prepared, 64 clients",
        Contender::Postgres,
        &["--connections", "64", "--batch", "1"],
    ),
    cell(
        SINGLES,
        "Redis function, 64 clients",
        Contender::Redis,
        &["--connections", "64", "--batch", "1"],
    ),
    cell(SINGLES, "null server, unary, 64 in flight", Contender::Null, SINGLE),
];

const STREAMS: &str = "streams of batches of 1000";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_has_one_cell_of_ours_and_something_to_hold_it_against() {
        for cell in CELLS {
            let group = || CELLS.iter().filter(|other| other.group == cell.group);
            assert_eq!(
                group().filter(|it| it.contender == Contender::Exposure).count(),
                1,
                "{}",
                cell.group
            );
            assert!(group().any(|it| it.contender == Contender::Null), "{}", cell.group);
            assert_eq!(
                CELLS.iter().filter(|other| other.name == cell.name).count(),
                1,
                "{}",
                cell.name
            );
        }
    }
}
