//! `AdminService`.

mod senders;
mod service;
mod wire;

pub(crate) use service::AdminTransport;
