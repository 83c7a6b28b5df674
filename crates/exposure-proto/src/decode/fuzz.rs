use prost::Message;

use super::{ClientAccountRef, DecodeLimits, IngestRequestRef, IngestStreamRequestRef};
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
    let generated = v1::IngestRequest::decode(bytes).map(|mut request| {
        cut(request.client_account.as_mut());
        request
    });
    agree(generated, fast.map(|request| request.to_message()))?;
    let fast = IngestStreamRequestRef::decode(bytes, limits);
    let generated = v1::IngestStreamRequest::decode(bytes).map(|mut request| {
        cut(request.batch.as_mut().and_then(|batch| batch.client_account.as_mut()));
        request
    });
    agree(generated, fast.map(|request| request.to_message()))
}

/// The decoder keeps no lists of an account where they are longer than an account's can be.
fn cut(account: Option<&mut v1::ClientAccount>) {
    if let Some(account) = account {
        let by_providers =
            account.providers.iter().map(|provider| 1 + provider.dropped_counts.len());
        let n_entries = account.dropped_counts.len() + by_providers.sum::<usize>();
        if ClientAccountRef::MAX_ENTRIES < n_entries {
            account.dropped_counts.clear();
            account.providers.clear();
        }
    }
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
