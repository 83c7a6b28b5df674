//! `cargo xtask bench`: the benches of `benches/`, and what measures the whole system; `benches/README.md` says how.
//!
//! Servers and generators are programs of their own, built in release; here they are started, asked and compared.
//! Only processes that a bench started are ended, and what it wrote goes when it ends.

mod run;

mod binaries;
mod load;
mod machine;
mod number;
mod page;
mod process;
mod scratch;
mod server;
mod stats;
mod svg;
mod workshop;

mod burst;
mod compare;
mod counts;
mod memory;
mod overload;
mod profile;
mod scale;
mod slow_fsync;
mod sustained;
mod window;

pub(crate) use counts::check as check_counts;
pub(crate) use run::run;
