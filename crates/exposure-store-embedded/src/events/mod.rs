//! Stored events: immutable Parquet files, sorted by profile, that any other program can read.
//!
//! Under the data directory, `events/*.parquet` hold every event once, and `links/*.parquet`
//! name those with a user and a device once more, by device. A page holds 2048 rows of a column
//! and carries its checksum; the first key of each page is in memory, so that one profile is one
//! page of each column away. Files of one size merge into larger ones. The manifest says which
//! files are live.

mod ahead;
mod batch;
mod codec;
mod column;
mod cursor;
mod decode;
mod dictionary;
mod error;
mod file;
mod fill;
mod footer;
mod gather;
mod gone;
mod id;
mod index;
mod levels;
mod lookup;
mod manifest;
mod merge;
mod meta;
mod names;
mod options;
mod pacer;
mod packed;
mod page;
mod row;
mod scan;
mod schema;
mod store;
mod weave;
mod writer;
mod writes;

#[cfg(test)]
mod tests;

pub use batch::RowBatch;
pub use error::{EventsError, Result};
pub use id::IdRef;
pub use merge::{IsErased, Retention};
pub use options::EventsOptions;
pub use pacer::{Pacer, Unpaced};
pub use row::{ExposedRef, ProfileRef, RowRef, effects_text};
pub use store::{Events, EventsStats};
pub use writes::WritesRef;
