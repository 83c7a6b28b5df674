//! Intake: from events as their senders said them to one durable outcome for each.

mod commit;
mod describe;
mod gate;
mod prepare;
mod receipt;
mod request;

pub(crate) use describe::Described;
pub(crate) use gate::{Gate, Permit};
pub use prepare::Prepared;
pub use receipt::Receipt;
pub use request::{IngestRequest, Refused};
