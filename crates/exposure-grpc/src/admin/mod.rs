//! `AdminService`.

mod service;
mod wire;

pub(crate) use service::AdminTransport;
