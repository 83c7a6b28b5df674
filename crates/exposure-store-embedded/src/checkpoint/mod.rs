//! Checkpoints: the resident state on disk, a shard at a time.
//!
//! A **section** holds profiles of one shard as they were at one position of the log: all of them, or those that
//! changed since the section before. A shard is what its sections say, of each profile the last one. Sections
//! of neighbouring shards share a file; the manifest says which are current. There is no consistent cut and no stall:
//! recovery loads the sections and replays each record only into shards that are behind it. The blocks of sections
//! are also what a profile that is not in memory is read from, and as long as it does not change it is not written
//! again to leave memory.

mod copy;
mod evict;
mod ledger_block;
mod manifest;
mod plan;
mod section;
mod sections;
mod write;

pub(crate) use evict::high;
pub(crate) use ledger_block::{decode_ledger, encode_ledger};
pub(crate) use plan::{Want, is_worn};
pub(crate) use section::SectionReader;
pub(crate) use sections::{SectionRef, Sections};
pub(crate) use write::{SHARDS_PER_FILE, checkpoint_ledger, checkpoint_shards};
