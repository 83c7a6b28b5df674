//! An append-only log with group commit.
//!
//! Payloads are bytes; what they mean is the caller's business.
//! A position is a logical byte offset that never changes: segment `k` holds the positions from `k * segment_bytes`.
//! Whoever appends learns the position of each payload at once, and later that it is durable.

mod appender;
mod driver;
mod error;
mod format;
mod handle;
mod keeper;
mod keeper_files;
mod metrics;
mod options;
mod placement;
mod queue;
mod reader;
mod recovery;
mod remains;
mod seal;
mod segment;
mod waiters;
mod walk;
mod writer;

#[cfg(test)]
mod tests;

pub use appender::{Appender, Ready};
pub use error::{Fault, LogError, ReplayError};
pub use handle::Log;
pub use metrics::{LogMetrics, SYNC_BUCKETS};
pub use options::{Durability, LogOptions};
pub use reader::{Group, Reader};
pub use recovery::Replay;
pub use waiters::WaitDurable;
pub use walk::Payload;
