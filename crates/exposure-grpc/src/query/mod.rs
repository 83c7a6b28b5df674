//! `ExposureQueryService`.

mod explain;
mod service;
mod wire;

pub(crate) use service::QueryTransport;
