//! Tracking for the user of a request.

mod layer;
mod request_exposures;
mod service;

pub use layer::ExposureLayer;
pub use request_exposures::RequestExposures;
pub use service::ExposureService;
