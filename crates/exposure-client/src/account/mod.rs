//! What became of everything that was tracked.

mod drops;
mod figures;
mod reason;

pub(crate) use drops::{Callback, Drops};
pub use drops::Dropped;
pub use figures::{Account, ProviderAccount};
pub use reason::{DropCounts, DropReason};
