//! Amplitude's HTTP API: `/2/httpapi`, `/batch`, `/identify` and what is older.

mod answer;
mod endpoint;
mod event;
mod export;
mod form;
mod read;
mod upload;

pub use answer::{accepted, failed, invalid_events, is_amplitudes_own};
pub use endpoint::{Endpoint, MAX_EVENTS};
pub(crate) use export::read as read_exported;
pub use read::read;
