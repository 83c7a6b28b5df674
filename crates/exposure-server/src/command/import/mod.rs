//! `exposure import`: events out of files, through the same door as all others.

mod convert;
mod run;
mod send;
mod source;
mod summary;

pub(crate) use run::{Options, run};
