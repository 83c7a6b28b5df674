use exposure_core::ErrorCode;
use exposure_service::{Caller, Handle, Result, Scope, ServiceError};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The caller by the key in `authorization: Bearer KEY` (or `x-api-key: KEY`), with a scope.
pub(crate) fn caller(handle: &Handle, headers: &HeaderMap, scope: Scope) -> Result<Caller> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let key = text(AUTHORIZATION.as_str())
        .and_then(bearer)
        .or_else(|| text("x-api-key"))
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .ok_or_else(|| {
            ServiceError::new(
                ErrorCode::Unauthenticated,
                "the request has no API key; send the header `authorization: Bearer KEY`",
            )
        })?;
    let caller = handle.authenticate(key)?;
    caller.require(scope)?;
    Ok(caller)
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, key) = authorization.trim_start().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key)
}
