//! The client that programs hold.

mod blocking;
mod builder;
mod exposure_client;
mod report;
mod threads;
mod tracked;

pub use blocking::Blocking;
pub use builder::{BuildError, ExposureClientBuilder};
pub use exposure_client::ExposureClient;
pub use report::{FlushReport, ShutdownReport};
pub use tracked::Tracked;
