//! The embedded store: a group-committed log in front of resident state.
//!
//! A commit decides under one lock what each event does, appends the decided records to the
//! [`log`], and is acknowledged when the log is durable. State is in memory: profiles in shards,
//! written to disk shard by shard (`checkpoint`) and read back when they are needed. Insert ids
//! are kept in the [`window`], stored events in Parquet files ([`events`]).

pub mod disk;
pub mod events;
pub mod log;
pub mod window;

mod background;
mod checkpoint;
mod format;
mod frame;
mod intern;
mod keys;
mod lock;
mod prefetch;
mod state;
mod store;
mod uuid;
mod verify;

pub use format::FORMAT_VERSION;
pub use store::{EmbeddedStore, Options, Work};
pub use verify::{Compared, VerifyReport, verify};
