//! `exposure load`: generates load, measures it, and checks the server's counts.
//!
//! Batches are encoded once; ids, times and keys are written into the encoded bytes, and answers
//! are counted without being decoded: the generator must not be what is measured.

mod codec;
mod digits;
mod options;
mod pace;
mod report;
mod run;
mod skim;
mod source;
mod tally;
mod template;
mod zipf;

mod counts;
mod http;
mod http2;
mod open;
mod reads;
mod streams;
mod unary;
mod upload;
mod uploads;

pub(crate) use options::Options;
pub(crate) use run::run;
