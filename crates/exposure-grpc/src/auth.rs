//! Who makes a call.

use exposure_core::ErrorCode;
use exposure_service::{Caller, Handle, Scope, ServiceError};
use tonic::Status;
use tonic::codegen::http::HeaderMap;
use tonic::metadata::MetadataMap;

use crate::error::status;

/// The caller by the key in the metadata, with the scope that the method needs.
pub(crate) fn caller(
    handle: &Handle,
    metadata: &MetadataMap,
    scope: Scope,
) -> Result<Caller, Status> {
    let key = api_key(metadata).map_err(|error| status(&error))?;
    authenticate(handle, key, scope).map_err(|error| status(&error))
}

/// The caller of a key, with a scope; asked again and again by what stays open for long.
pub(crate) fn authenticate(
    handle: &Handle,
    key: &str,
    scope: Scope,
) -> Result<Caller, ServiceError> {
    let caller = handle.authenticate(key)?;
    caller.require(scope)?;
    Ok(caller)
}

/// The key in `authorization: Bearer KEY`, or else in `x-api-key`.
pub(crate) fn api_key(metadata: &MetadataMap) -> Result<&str, ServiceError> {
    key_of(metadata.as_ref())
}

/// The same, in the headers that the metadata is.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<&str, ServiceError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text("authorization")
        .and_then(bearer)
        .or_else(|| text("x-api-key"))
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .ok_or_else(|| {
            ServiceError::new(
                ErrorCode::Unauthenticated,
                "the call has no API key; send metadata `authorization: Bearer KEY` or `x-api-key: KEY`",
            )
        })
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, key) = authorization.trim_start().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}
