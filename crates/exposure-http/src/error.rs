use axum::Json;
use axum::response::{IntoResponse, Response};
use exposure_core::ErrorCode;
use exposure_proto::convert::http_status;
use exposure_service::ServiceError;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// A request that failed as a whole: `{"error":{"code","field","message"}}`.
#[derive(Debug)]
pub(crate) struct Failure {
    error: ServiceError,
    /// Instead of the status that the code has.
    status: Option<StatusCode>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    code: &'static str,
    field: Option<&'a str>,
    message: &'a str,
}

impl Failure {
    pub(crate) fn with_status(error: ServiceError, status: StatusCode) -> Self {
        Self { error, status: Some(status) }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self { error, status: None }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let ServiceError { code, field, message, retry_after } = &self.error;
        let known = StatusCode::from_u16(http_status(*code));
        let status = self.status.or(known.ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let told = Told { code: code.as_str(), field: field.as_deref(), message };
        let mut response = (status, Json(Body { error: told })).into_response();
        let asks_to_wait =
            matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if asks_to_wait {
            // Whole seconds, and never none.
            let seconds = retry_after.map_or(1, |delay| delay.as_millis().div_ceil(1000).max(1));
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                response.headers_mut().insert(RETRY_AFTER, value);
            }
        }
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(http::header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// No such path.
pub(crate) async fn unknown_path() -> Failure {
    ServiceError::not_found("there is nothing at this path").into()
}

/// A path that does not know the method.
pub(crate) async fn unknown_method() -> Failure {
    let error = ServiceError::new(ErrorCode::Invalid, "this path does not know the method");
    Failure::with_status(error, StatusCode::METHOD_NOT_ALLOWED)
}
