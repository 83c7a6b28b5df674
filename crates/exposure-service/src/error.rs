use std::borrow::Cow;
use std::time::Duration;

use exposure_core::{ErrorCode, Rejection};

/// What a call of the service ends with.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// Why a call as a whole failed. One event's refusal is an outcome, not an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// The reason, from the one list.
    pub code: ErrorCode,
    /// The field of the request at fault, where a single one is.
    pub field: Option<Cow<'static, str>>,
    /// What is wrong and what would be right, for people.
    pub message: Cow<'static, str>,
    /// When the same call may be made again, where that is known.
    pub retry_after: Option<Duration>,
}

impl ServiceError {
    /// An error without a field.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, field: None, message: message.into(), retry_after: None }
    }

    /// A field that can not be what it is for.
    pub fn invalid(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: Some(field.into()), ..Self::new(ErrorCode::Invalid, message) }
    }

    /// A required field that is absent.
    pub fn missing(
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: Some(field.into()), ..Self::new(ErrorCode::Missing, message) }
    }

    /// Something that is not there.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// A bound that was reached.
    pub fn exhausted(message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::ResourceExhausted, message) }
    }

    /// Whether the same call may succeed later.
    pub const fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }
}

impl From<Rejection> for ServiceError {
    fn from(rejection: Rejection) -> Self {
        let message = format!("`{}` {}", rejection.field, rejection.message);
        Self { field: Some(rejection.field), ..Self::new(rejection.code, message) }
    }
}

impl From<exposure_store::Error> for ServiceError {
    fn from(error: exposure_store::Error) -> Self {
        use exposure_store::Error;

        let message = error.to_string();
        match error {
            Error::Exhausted { retry_after, .. } => Self::exhausted(message, retry_after),
            // Another process, or this one after a restart, may well answer.
            Error::Poisoned { .. } => Self::new(ErrorCode::Unavailable, message),
            Error::Closed => Self {
                retry_after: Some(Duration::from_secs(1)),
                ..Self::new(ErrorCode::Unavailable, message)
            },
            Error::Corrupt { .. } | Error::Io { .. } => Self::new(ErrorCode::Internal, message),
            Error::CursorExpired => Self {
                field: Some("cursor".into()),
                ..Self::new(ErrorCode::CursorExpired, message)
            },
            Error::CursorInvalid => Self::invalid("cursor", message),
        }
    }
}
