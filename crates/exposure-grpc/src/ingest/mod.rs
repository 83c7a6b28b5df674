//! `IngestService`: the hot path. Requests are read in place, answers written in place.

mod account;
mod credit;
mod hands;
mod intake;
mod pool;
mod service;
mod stream;

pub(crate) use hands::LARGE_BYTES;
pub(crate) use intake::Intake;
pub(crate) use service::IngestTransport;
