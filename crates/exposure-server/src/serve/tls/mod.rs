//! TLS: its certificate, and taking a changed one without a restart.

mod certificate;
mod config;
mod files;

#[cfg(test)]
mod tests;

pub(super) use config::{Protocol, Tls};
