//! Bodies as they come over the wire to bodies as they were written.

mod bounded;
mod coding;
mod inflater;

pub use coding::is_plain;
pub use inflater::{InflateError, Inflater, inflate};
