//! The closed loop of calls: each caller makes one call after the other. A connection with its
//! callers is one task that writes and reads the frames of HTTP/2 itself, so that a call takes
//! little of the machine that is measured.

mod caller;
mod exchange;
mod session;
mod threads;
mod under_way;

pub(super) use session::PATH;
pub(super) use threads::{Callers, spawn};

#[cfg(test)]
mod tests;
