//! `exposure import`: events out of files, through the same door as all others.

mod batch;
mod bodies;
mod convert;
mod export;
mod feed;
mod format;
mod input;
mod insert_id;
mod lines;
mod run;
mod source;
mod state;
mod summary;
mod tally;

pub(crate) use run::{Options, run};
