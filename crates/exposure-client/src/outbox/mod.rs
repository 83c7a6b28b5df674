//! Where exposures wait: in memory, or on disk as well.

mod disk;
mod kind;

pub use disk::OutboxError;
pub(crate) use disk::{Disk, DiskOutbox, Fate, Job, Left, Open, OutboxOptions, SystemDisk, Writer};
pub(crate) use kind::{Outbox, Record};
