//! An outbox on disk: what is in it survives the end of the program, however it ends.
//!
//! The directory has a lock and segments. A segment is a header, and groups after it:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | magic |
//! | 4 | length of the payload |
//! | 8 | how much of this segment was known to be on stable storage when it was written |
//! | 4 | CRC-32 of all of the above but the magic, and of the payload |
//! | … | records |
//!
//! A record is an exposure with its number, or the number of one that has ended. Exposures are
//! synced before they count as tracked; ends are not: one that is lost makes an exposure be sent
//! once more, under its insert id. A new segment is begun only when the one before is synced as a
//! whole. So what lies before a position that a later group names, or in a segment with another
//! behind it, was synced once: where it does not read, that is damage, and an error. Anything else
//! that does not read is what a crash left of the last group: it was never counted, and is cut.
//!
//! Where the providers' queues in memory are full, exposures wait here alone, and are read back in
//! order as room comes: the outbox may be larger than memory.

mod backlog;
mod error;
mod file;
mod frame;
mod memory;
mod open;
mod options;
mod record;
mod taken;
mod writer;
mod writing;

#[cfg(test)]
mod tests;

pub use error::OutboxError;
pub(crate) use file::{Disk, SystemDisk};
pub(crate) use memory::Memory;
pub(crate) use open::{Open, Opened, Recovered};
pub(crate) use options::OutboxOptions;
pub(crate) use writer::{DiskOutbox, Fate, Job, Left, Writer};
