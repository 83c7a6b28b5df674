//! What became of everything that was tracked.

mod drops;
mod figures;
mod reason;

pub use drops::Dropped;
pub(crate) use drops::{Callback, Drops};
pub use figures::{Account, ProviderAccount};
pub use reason::{DropCounts, DropReason};
