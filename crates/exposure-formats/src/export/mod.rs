//! Exports: newline-delimited JSON of events that another vendor's server took in before.

mod event;
mod line;

pub use event::ExportedEvent;
pub use line::Export;
