//! The exposure.v1 protocol: generated code, conversions, the fast batch decoder.

pub mod v1;

pub mod decode;

/// The encoded descriptor set of the protocol, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/exposure.v1.bin");
