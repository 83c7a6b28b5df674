//! Checkpoints: the resident state on disk, a shard at a time.
//!
//! A **section** holds every profile of one shard as it was at one position of the log. Sections
//! of neighbouring shards share a file; the manifest says where the current one of each shard
//! is. There is no consistent cut and no stall: recovery loads the sections and replays each
//! record only into shards that are behind it. The blocks of a section are also what a profile
//! that is not in memory is read from.

mod ledger_block;
mod manifest;
mod section;
mod sections;
mod write;

pub(crate) use ledger_block::{decode_ledger, encode_ledger};
pub(crate) use section::SectionReader;
pub(crate) use sections::{SectionRef, Sections};
pub(crate) use write::{SHARDS_PER_FILE, checkpoint_ledger, checkpoint_shards};
