use std::time::Duration;

use exposure_core::ErrorCode;

use crate::BodyError;

/// Why nothing of a request was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure<'a> {
    /// Its body could not be read.
    #[error("{0}")]
    Unreadable(&'a BodyError),
    /// It names no API key.
    #[error("the request names no API key; send the one of your project")]
    NoKey,
    /// No project has its key.
    #[error("no project has the API key of the request")]
    UnknownKey(&'a str),
    /// Its key may not send events.
    #[error("the API key of the request may not send events; send one with the scope `ingest`")]
    Forbidden,
    /// It has more bytes or events than may be.
    #[error("the request is too large: {0}")]
    TooLarge(&'a str),
    /// There is no room for it now.
    #[error("the server has no room for the request now; send it again later")]
    Busy {
        /// Whom its events are of, in order.
        events: &'a [Whom<'a>],
        /// How long to wait.
        retry_after: Duration,
    },
    /// The server can not take anything now.
    #[error("the server takes no events now; send the request again later")]
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
    },
    /// A fault of the server.
    #[error("the server failed; send the request again later")]
    Internal,
}

/// Whom an event is of; empty where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Whom<'a> {
    /// The user.
    pub user_id: &'a str,
    /// The device.
    pub device_id: &'a str,
}

impl Failure<'_> {
    /// The HTTP status, where the protocol asks for no other.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unreadable(_) => 400,
            Self::NoKey | Self::UnknownKey(_) => 401,
            Self::Forbidden => 403,
            Self::TooLarge(_) => 413,
            Self::Busy { .. } => 429,
            Self::Unavailable { .. } => 503,
            Self::Internal => 500,
        }
    }

    /// The reason.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unreadable(_) => ErrorCode::Invalid,
            Self::NoKey | Self::UnknownKey(_) => ErrorCode::Unauthenticated,
            Self::Forbidden => ErrorCode::PermissionDenied,
            Self::TooLarge(_) => ErrorCode::BatchTooLarge,
            Self::Busy { .. } => ErrorCode::ResourceExhausted,
            Self::Unavailable { .. } => ErrorCode::Unavailable,
            Self::Internal => ErrorCode::Internal,
        }
    }

    /// Whole seconds to wait, and never none.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after, .. } | Self::Unavailable { retry_after } => {
                Some(u64::try_from(retry_after.as_millis().div_ceil(1000)).unwrap_or(1).max(1))
            }
            _ => None,
        }
    }
}
