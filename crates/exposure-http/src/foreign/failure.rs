use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use exposure_core::{ErrorCode, Timestamp};
use exposure_formats::{Answer, Failure, Protocol, Request, Whom};
use exposure_service::ServiceError;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::Settings;

/// What a failed call of the service is to a sender. `key` is the one that was tried last.
pub(super) fn failure_of<'a>(
    error: &'a ServiceError,
    events: &'a [Whom<'a>],
    key: &'a str,
    settings: &Settings,
) -> Failure<'a> {
    let retry_after = error.retry_after.unwrap_or(settings.retry_after);
    match error.code {
        ErrorCode::Unauthenticated => Failure::UnknownKey(key),
        ErrorCode::PermissionDenied => Failure::Forbidden,
        ErrorCode::BatchTooLarge => Failure::TooLarge(&error.message),
        ErrorCode::ResourceExhausted => Failure::Busy { events, retry_after },
        ErrorCode::Unavailable => Failure::Unavailable { retry_after },
        _ => Failure::Internal,
    }
}

/// The response to a request of which only the path is known.
pub(crate) fn failed(path: &str, error: &ServiceError, settings: &Settings) -> Response {
    let failure = failure_of(error, &[], "", settings);
    let request = Request {
        method: "POST",
        path,
        query: "",
        headers: &(),
        body: &[],
        received: Timestamp::EARLIEST_EVENT,
    };
    answer_of(match Protocol::of(&request) {
        Some(protocol) => protocol.failed(&failure),
        None => Answer::of_failure(&failure),
    })
}

/// An answer as a response.
pub(super) fn answer_of(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(answer.content_type);
    let body = match answer.body {
        Cow::Borrowed(body) => bytes::Bytes::from_static(body),
        Cow::Owned(body) => body.into(),
    };
    let mut response = (status, [(CONTENT_TYPE, content_type)], body).into_response();
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
