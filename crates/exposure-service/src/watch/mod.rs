//! The change feed: every visible change of every property of a project.

mod entry;
mod feed;
mod moment;
mod resolve;
mod snapshot;

pub use entry::{ChangeCause, WatchEntry, WatchFrom, WatchItem};
pub use feed::Watch;
