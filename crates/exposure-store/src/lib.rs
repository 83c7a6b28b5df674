//! The storage port.
//!
//! A store merges values under keys and knows nothing else of our rules:
//!
//! | merge | of what |
//! |---|---|
//! | `Max(key, ordered bytes)` | registers, last exposures, erasures, documents |
//! | `Min(key, time)` | first exposures |
//! | `AddOnce(key, value)` | stored events, links, insert ids, rejected events |
//!
//! All three are commutative, associative and idempotent: reorderings, partial batches and
//! repetitions end in the same state. What crosses the port is typed ([`Batch`]): one record
//! stands for all the merges of its event, and a store may do them in one touch.
//!
//! It is not: a database. There is no order between keys, no transaction over profiles, and
//! no lock held over a read.

mod batch;
mod capabilities;
mod error;
mod hash;
mod ids;
pub mod memory;
mod port;
mod read;
mod stored;
#[cfg(feature = "test-util")]
#[expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a case that fails panics"
)]
pub mod suite;

pub use batch::{Batch, Committed, INSERT_ID_WINDOW_MICROS, Origin, Reject};
pub use capabilities::{Capabilities, DedupeTier, EffectTier, FeedTier, HashTier, UsageTier};
pub use error::{Error, Result};
pub use hash::{StateHash, StateHasher, change_hash, raw_hash, text_hash};
pub use ids::{KeyId, ProjectId};
pub use port::Store;
pub use read::{
    Document, Duplicates, EventFilter, EventPage, FeedCursor, FeedEntry, FeedPage, ProfilePage,
    ScanCursor, SenderRow, Stats, UsageRow,
};
pub use stored::{StoredDuplicate, StoredEvent, StoredLink, StoredReject, StoredWrite};
