//! What an error is on each transport: one exhaustive table for each.
//!
//! Whether a request may be sent again is [`ErrorCode::is_retryable`].

use exposure_core::ErrorCode;
use tonic::Code;

use crate::v1;

/// The code on the wire.
pub const fn wire_code(code: ErrorCode) -> v1::ErrorCode {
    match code {
        ErrorCode::BatchTooLarge => v1::ErrorCode::BatchTooLarge,
        ErrorCode::CursorExpired => v1::ErrorCode::CursorExpired,
        ErrorCode::Erased => v1::ErrorCode::Erased,
        ErrorCode::FlagLimit => v1::ErrorCode::FlagLimit,
        ErrorCode::Internal => v1::ErrorCode::Internal,
        ErrorCode::Invalid => v1::ErrorCode::Invalid,
        ErrorCode::Missing => v1::ErrorCode::Missing,
        ErrorCode::NotFound => v1::ErrorCode::NotFound,
        ErrorCode::PermissionDenied => v1::ErrorCode::PermissionDenied,
        ErrorCode::ResourceExhausted => v1::ErrorCode::ResourceExhausted,
        ErrorCode::TooDeep => v1::ErrorCode::TooDeep,
        ErrorCode::TooLong => v1::ErrorCode::TooLong,
        ErrorCode::TooShort => v1::ErrorCode::TooShort,
        ErrorCode::Unauthenticated => v1::ErrorCode::Unauthenticated,
        ErrorCode::Unavailable => v1::ErrorCode::Unavailable,
    }
}

/// The code of one on the wire; `None` for one that says nothing.
pub const fn core_code(code: v1::ErrorCode) -> Option<ErrorCode> {
    match code {
        v1::ErrorCode::Unspecified => None,
        v1::ErrorCode::BatchTooLarge => Some(ErrorCode::BatchTooLarge),
        v1::ErrorCode::CursorExpired => Some(ErrorCode::CursorExpired),
        v1::ErrorCode::Erased => Some(ErrorCode::Erased),
        v1::ErrorCode::FlagLimit => Some(ErrorCode::FlagLimit),
        v1::ErrorCode::Internal => Some(ErrorCode::Internal),
        v1::ErrorCode::Invalid => Some(ErrorCode::Invalid),
        v1::ErrorCode::Missing => Some(ErrorCode::Missing),
        v1::ErrorCode::NotFound => Some(ErrorCode::NotFound),
        v1::ErrorCode::PermissionDenied => Some(ErrorCode::PermissionDenied),
        v1::ErrorCode::ResourceExhausted => Some(ErrorCode::ResourceExhausted),
        v1::ErrorCode::TooDeep => Some(ErrorCode::TooDeep),
        v1::ErrorCode::TooLong => Some(ErrorCode::TooLong),
        v1::ErrorCode::TooShort => Some(ErrorCode::TooShort),
        v1::ErrorCode::Unauthenticated => Some(ErrorCode::Unauthenticated),
        v1::ErrorCode::Unavailable => Some(ErrorCode::Unavailable),
    }
}

/// The gRPC status of a request that fails as a whole.
///
/// Clients send a request again on `UNAVAILABLE`, and on `RESOURCE_EXHAUSTED` after the delay
/// that comes with it: what is not retryable must be neither.
pub const fn grpc_code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::BatchTooLarge
        | ErrorCode::Invalid
        | ErrorCode::Missing
        | ErrorCode::TooDeep
        | ErrorCode::TooLong
        | ErrorCode::TooShort => Code::InvalidArgument,
        ErrorCode::CursorExpired => Code::OutOfRange,
        ErrorCode::Erased | ErrorCode::FlagLimit => Code::FailedPrecondition,
        ErrorCode::Internal => Code::Internal,
        ErrorCode::NotFound => Code::NotFound,
        ErrorCode::PermissionDenied => Code::PermissionDenied,
        ErrorCode::ResourceExhausted => Code::ResourceExhausted,
        ErrorCode::Unauthenticated => Code::Unauthenticated,
        ErrorCode::Unavailable => Code::Unavailable,
    }
}

/// The HTTP status of a request that fails as a whole.
pub const fn http_status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::Invalid
        | ErrorCode::Missing
        | ErrorCode::TooDeep
        | ErrorCode::TooLong
        | ErrorCode::TooShort => 400,
        ErrorCode::Unauthenticated => 401,
        ErrorCode::PermissionDenied => 403,
        ErrorCode::NotFound => 404,
        ErrorCode::Erased | ErrorCode::FlagLimit => 409,
        ErrorCode::CursorExpired => 410,
        ErrorCode::BatchTooLarge => 413,
        ErrorCode::ResourceExhausted => 429,
        ErrorCode::Internal => 500,
        ErrorCode::Unavailable => 503,
    }
}

/// The name of a gRPC code, in upper snake case.
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_are_one() {
        for code in ErrorCode::ALL {
            assert_eq!(core_code(wire_code(code)), Some(code));
            let name = format!("ERROR_CODE_{}", code.as_str());
            assert_eq!(wire_code(code).as_str_name(), name);
            assert_eq!(v1::ErrorCode::from_str_name(&name), Some(wire_code(code)));
        }
        let n_wire = (0..1000).filter(|&number| v1::ErrorCode::try_from(number).is_ok()).count();
        assert_eq!(n_wire, ErrorCode::ALL.len() + 1);
        // The encoder of answers writes them in one byte.
        assert!(ErrorCode::ALL.into_iter().all(|code| (wire_code(code) as i32) < 128));
    }

    #[test]
    fn transports_agree_on_what_may_be_sent_again() {
        for code in ErrorCode::ALL {
            let grpc = matches!(
                grpc_code(code),
                Code::Unavailable | Code::ResourceExhausted | Code::Internal
            );
            let http = http_status(code) == 429 || 500 <= http_status(code);
            assert_eq!((grpc, http), (code.is_retryable(), code.is_retryable()), "{code}");
        }
    }
}
