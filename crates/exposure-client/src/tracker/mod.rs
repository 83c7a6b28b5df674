//! Which evaluation is a new exposure: pure, without I/O, clock or randomness.

mod counts;
mod decide;
mod key;
mod marks;
mod pending;
mod shard;
mod sharded;

pub(crate) use counts::Counts;
pub use decide::{Decision, decide};
pub(crate) use key::{Hasher, Key, VariantHash};
pub(crate) use pending::Ticket;
pub(crate) use shard::{Admission, Ending, Settled};
pub(crate) use sharded::{Place, Tracker};
