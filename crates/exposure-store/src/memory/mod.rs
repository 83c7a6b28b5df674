//! The reference implementation: everything in memory, simple and obviously right.
//!
//! Built literally on the three merges, under one lock. It is for tests, for trying things
//! out and for comparing other stores with; it is not durable and keeps everything for ever.

mod counts;
mod erase;
mod feed;
mod merges;
mod profiles;
mod state;
mod store;
mod window;

pub use store::{MemoryOptions, MemoryStore};
