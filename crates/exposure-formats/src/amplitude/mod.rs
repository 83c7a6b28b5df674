//! Amplitude's HTTP API: `/2/httpapi` and `/batch`.

mod answer;
mod event;
mod exposure;
mod forms;
mod member;
mod recorded;
mod upload;
mod writes;

pub use answer::{Answer, is_amplitudes_own};
pub use recorded::{Recorded, uploads};
pub use upload::Upload;
