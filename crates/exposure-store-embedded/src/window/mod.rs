//! The `insert_id` window: which ids were admitted in the last seven days.
//!
//! It knows nothing of events. A key is a 128-bit keyed hash of (project, owner, `insert_id`), computed by the
//! caller; with it come a hash of the event's content, its receive time, and an activity bitmap of its owner.
//! Keys must be keyed hashes: tables and filters take their bits as uniform.
//!
//! # The rule, and its two times
//! An id received at `r` is a **duplicate** if an admitted one with the same key has a receive time `first` with
//! `|r - first| <= window`, in either direction, to the millisecond (never shorter). The first admitted stands; its
//! content decides `conflict`. Anything else is new, and then stands beside the older ones of its key. Where two
//! originals are both in reach (one before, one after `r`), either may decide `conflict`.
//!
//! The receive time cannot decide how long an id is *kept*: an import brings receive times that are weeks old, in
//! any order, and must still be deduplicated against itself when it is repeated. So every id has two times:
//! - its **receive time**, compared by the rule, and
//! - its **insertion time**, the server's clock when it was admitted, which alone decides when it is forgotten.
//!
//! For live traffic the two are the same and an id is a duplicate for exactly the window. For imports, a repetition
//! within the window of the *import* is recognised, whatever the receive times are. Insertion times are put into
//! buckets of a 64th of the window, `floor(inserted / width)`; with `c` the bucket of the greatest clock seen,
//! buckets `c - 64 ..= c` are kept and the rest is forgotten. So an id is kept for at least the window and at most
//! the window and one bucket. The clock never runs backward here: an earlier `now` counts as the greatest one seen,
//! which can only keep an id longer.
//!
//! # Where an id is
//! ```text
//! active generation ── full, or its bucket ended ──► frozen generations ── flush ──► run files of the bucket
//!  one sorted table, resident                         resident, read-only             sorted blocks, index, filter
//! ```
//! A lookup touches the active table, the generations not yet flushed, and then for each bucket in which the owner
//! was active the filters of its runs. Only a filter's hit looks further: first in flushed generations that are still
//! resident, then in the file (one block read for each run whose filter hit). A new owner probes the active table
//! alone. A bucket has a growing **front** filter, so that one probe answers for all of its runs, and a key has to
//! pass two filters before a file is read; runs found when opening have their own filters alone. A closed bucket
//! ends as one run.
//!
//! # Truth and recovery
//! The log is the truth for ids at or above [`Window::covered_position`]; below it every id is in a synced run file
//! that the manifest lists. Opening loads the runs; the store then replays the log through [`Window::add_replayed`].
//! Runs are never changed in place, the manifest is replaced atomically, and files it does not list are removed.
//!
//! # Threads
//! The window is one writer's: it lives under the caller's lock. Background work is handed out as a [`Task`], which
//! holds shared pieces of it and runs without the lock; its [`Done`] is put back under the lock in microseconds.

mod activity;
mod background;
mod buckets;
mod error;
mod filter;
mod format;
mod generation;
mod manifest;
mod marks;
mod memory;
mod merge;
mod options;
mod run;
mod run_writer;
mod slot;
mod table;
mod task;
#[cfg(test)]
mod tests;
mod window_state;

pub use activity::UNKNOWN_ACTIVITY;
pub use error::Error;
pub use marks::Marks;
pub use options::Options;
pub use task::{Done, Task};
pub use window_state::{Outcome, Window};
