//! `cargo xtask bench profile`: where each nanosecond goes.

mod run;

mod flame;
mod perf;
mod rooms;

pub(super) use run::run;
