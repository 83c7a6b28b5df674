use axum::extract::{FromRequestParts, Query};
use exposure_core::{ErrorCode, Timestamp};
use exposure_service::{Page, Result, ServiceError};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::Failure;
use crate::track::parse_time;

/// The parameters of a query; what can not be read is answered as JSON.
pub(crate) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> std::result::Result<Self, Failure> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => {
                let message = format!("the parameters are none: {}", rejection.body_text());
                Err(ServiceError::new(ErrorCode::Invalid, message).into())
            }
        }
    }
}

/// The page of a list; an empty parameter is an absent one.
pub(super) fn page(size: Option<&str>, token: Option<String>) -> Result<Page> {
    let size = match size {
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|_| {
            ServiceError::invalid(
                "page_size",
                format!("`page_size` is `{text}`, which is no number"),
            )
        })?,
    };
    Ok(Page { size, token: token.unwrap_or_default() })
}

/// A time among the parameters.
pub(super) fn time(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) => parse_time(text).map(Some).ok_or_else(|| {
            let message = format!(
                "`{field}` is `{text}`, which is no time; send milliseconds since 1970-01-01 or RFC 3339"
            );
            ServiceError::invalid(field, message)
        }),
    }
}
