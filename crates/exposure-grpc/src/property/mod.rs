//! `PropertyService`.

mod service;
mod watch;
mod wire;

pub(crate) use service::PropertyTransport;
pub(crate) use wire::position;
