//! Intake: from events as their senders said them to one durable outcome for each.

mod coming;
mod commit;
mod describe;
mod gate;
mod prepare;
mod pressure;
mod receipt;
mod request;
mod together;

pub use coming::Beginning;
pub(crate) use coming::Coming;
pub(crate) use describe::Described;
pub(crate) use gate::{Gate, Permit};
pub use prepare::Prepared;
pub use pressure::Arrival;
pub(crate) use pressure::Pressure;
pub use receipt::Receipt;
pub use request::{IngestRequest, Refused};
