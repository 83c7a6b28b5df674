use std::fmt;

/// Why something was refused: one list for events, requests and queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// A request holds more events or bytes than allowed.
    BatchTooLarge,
    /// A change feed cursor lies before what is kept.
    CursorExpired,
    /// The user was erased, and this event is not newer than that.
    Erased,
    /// The project has as many flags as it may have.
    FlagLimit,
    /// A fault of ours.
    Internal,
    /// A value that can not be what the field is for.
    Invalid,
    /// A required value is absent.
    Missing,
    /// What was asked for does not exist.
    NotFound,
    /// The key may not do this.
    PermissionDenied,
    /// A bound was reached; try again later.
    ResourceExhausted,
    /// JSON nested too deep.
    TooDeep,
    /// More characters or bytes than allowed.
    TooLong,
    /// Fewer characters than allowed.
    TooShort,
    /// The key is absent, wrong or revoked.
    Unauthenticated,
    /// The server can not answer now; try again.
    Unavailable,
}

impl ErrorCode {
    /// Every code, in alphabetical order.
    pub const ALL: [Self; 15] = [
        Self::BatchTooLarge,
        Self::CursorExpired,
        Self::Erased,
        Self::FlagLimit,
        Self::Internal,
        Self::Invalid,
        Self::Missing,
        Self::NotFound,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::TooDeep,
        Self::TooLong,
        Self::TooShort,
        Self::Unauthenticated,
        Self::Unavailable,
    ];

    /// The name on the wire, in upper snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BatchTooLarge => "BATCH_TOO_LARGE",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::Erased => "ERASED",
            Self::FlagLimit => "FLAG_LIMIT",
            Self::Internal => "INTERNAL",
            Self::Invalid => "INVALID",
            Self::Missing => "MISSING",
            Self::NotFound => "NOT_FOUND",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::TooDeep => "TOO_DEEP",
            Self::TooLong => "TOO_LONG",
            Self::TooShort => "TOO_SHORT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Unavailable => "UNAVAILABLE",
        }
    }

    /// The code of a wire name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// Whether the same request may succeed later.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Internal | Self::ResourceExhausted | Self::Unavailable => true,
            Self::BatchTooLarge
            | Self::CursorExpired
            | Self::Erased
            | Self::FlagLimit
            | Self::Invalid
            | Self::Missing
            | Self::NotFound
            | Self::PermissionDenied
            | Self::TooDeep
            | Self::TooLong
            | Self::TooShort
            | Self::Unauthenticated => false,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
