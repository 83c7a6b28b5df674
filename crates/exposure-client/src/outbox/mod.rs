//! Where exposures wait: in memory, or on disk as well.

mod outbox;

pub(crate) use outbox::{Outbox, Record};
