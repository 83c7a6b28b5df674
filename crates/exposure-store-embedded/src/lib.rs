//! The embedded store: a group-committed log in front of resident state.

pub mod disk;
pub mod events;
pub mod log;
pub mod window;
