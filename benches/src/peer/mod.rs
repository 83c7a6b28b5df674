//! Generators of load for other servers: the same registers as `exposure load` writes, and the same report.

mod options;
mod register;
mod tally;

pub use options::Options;
pub use register::{Registers, Write};
pub use tally::{Tally, report};
