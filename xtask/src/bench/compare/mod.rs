//! `cargo xtask bench compare`: this server, one that only decodes and acknowledges, PostgreSQL and Redis, in turn.

mod run;

mod cells;
mod packages;
mod peer;
mod postgres;
mod redis;
mod report;

pub(super) use peer::NullServer;
pub(super) use run::run;
