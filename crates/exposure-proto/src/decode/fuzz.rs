use prost::Message;

use super::{DecodeLimits, IngestRequestRef, IngestStreamRequestRef};
use crate::v1;

/// Compares this decoder with the generated one on any bytes; an error says how they differ.
///
/// Needs the feature `test-util`.
///
/// # Errors
/// Fails if one accepts what the other refuses, or reads other values.
pub fn fuzz_logic(bytes: &[u8]) -> Result<(), String> {
    let limits = DecodeLimits::default();
    let fast = IngestRequestRef::decode(bytes, limits);
    agree(v1::IngestRequest::decode(bytes), fast.map(|request| request.to_message()))?;
    let fast = IngestStreamRequestRef::decode(bytes, limits);
    agree(v1::IngestStreamRequest::decode(bytes), fast.map(|request| request.to_message()))
}

fn agree<M: PartialEq + std::fmt::Debug>(
    generated: Result<M, prost::DecodeError>,
    fast: Result<M, super::DecodeError>,
) -> Result<(), String> {
    match (generated, fast) {
        (Ok(generated), Ok(fast)) if generated == fast => Ok(()),
        (Err(_), Err(_)) => Ok(()),
        (generated, fast) => Err(format!("generated: {generated:?}, fast: {fast:?}")),
    }
}
