//! The exposure.v1 protocol: generated code, conversions, the fast batch decoder.
//!
//! [`v1`] is what the protocol's definition generates, for every service. The way of events,
//! which is hot, goes beside it: [`decode`] reads requests in place, [`convert`] hands them to
//! the rules, [`answer`] writes the outcomes, and (with the feature `server`) `ingest_server`
//! puts both behind gRPC.

pub mod v1;

pub mod decode;

pub mod convert;

pub mod answer;

#[cfg(feature = "server")]
pub mod codec;

#[cfg(feature = "server")]
pub mod ingest_server;

/// The encoded descriptor set of the protocol, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/exposure.v1.bin");
