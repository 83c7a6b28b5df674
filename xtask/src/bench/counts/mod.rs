//! `cargo xtask bench counts`: instructions of the hot path's parts, by callgrind, held against those that are recorded.
//!
//! Counts are the same in every run, where times are not: a rise is a change of the code, or of what compiles it.

mod run;

mod callgrind;
mod judge;
mod record;
mod setting;

pub(crate) use run::check;
pub(super) use run::run;
