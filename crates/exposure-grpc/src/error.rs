//! Errors as google.rpc has them: a status with details.

use std::time::Duration;

use exposure_core::ErrorCode;
use exposure_proto::convert::grpc_code;
use exposure_proto::decode::DecodeError;
use exposure_service::ServiceError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Whose reasons they are, in `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "exposure";

/// A failed call as a status: the reason, the field at fault, the time to wait.
pub(crate) fn status(error: &ServiceError) -> Status {
    let no_metadata: [(String, String); 0] = [];
    let mut details = ErrorDetails::with_error_info(error.code.as_str(), ERROR_DOMAIN, no_metadata);
    if let Some(field) = &error.field {
        details.add_bad_request_violation(field.as_ref(), error.message.as_ref());
    }
    if let Some(delay) = error.retry_after {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(grpc_code(error.code), error.message.as_ref(), details)
}

/// A request that could not be read as a message.
pub(crate) fn undecodable(error: &DecodeError) -> ServiceError {
    ServiceError::new(error.code(), format!("the request is no message: {error}"))
}

/// What the machinery below us answers by itself, with a reason and the right code.
///
/// It knows neither: a message over the limit is `OUT_OF_RANGE` there, and one that can not be
/// decoded `INTERNAL`, as if that were our fault.
pub(crate) fn explained(status_below: Status) -> Status {
    if !status_below.details().is_empty() {
        return status_below;
    }
    let message = status_below.message().to_owned();
    let code = match status_below.code() {
        Code::OutOfRange if message.contains("message length too large") => {
            ErrorCode::BatchTooLarge
        }
        Code::OutOfRange | Code::Internal | Code::InvalidArgument => ErrorCode::Invalid,
        Code::Unauthenticated => ErrorCode::Unauthenticated,
        Code::PermissionDenied => ErrorCode::PermissionDenied,
        Code::ResourceExhausted => ErrorCode::ResourceExhausted,
        Code::Unavailable => ErrorCode::Unavailable,
        Code::NotFound => ErrorCode::NotFound,
        // They say all there is to say, and no reason of ours is theirs.
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::DataLoss => return status_below,
    };
    status(&ServiceError::new(code, message))
}

/// The server stops: whoever asks again reaches another one, or this one after its start.
pub(crate) fn draining() -> Status {
    status(&ServiceError {
        retry_after: Some(Duration::from_secs(1)),
        ..ServiceError::new(ErrorCode::Unavailable, "the server is stopping; connect again")
    })
}

/// The client's deadline has passed.
pub(crate) fn late() -> Status {
    Status::deadline_exceeded("the deadline of the call has passed")
}

/// The client does not read what it is sent.
pub(crate) fn stalled() -> Status {
    status(&ServiceError::new(
        ErrorCode::ResourceExhausted,
        "the answers were left unread for too long; read them while sending",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_carries_its_reason() {
        for code in ErrorCode::ALL {
            let status = status(&ServiceError::new(code, "message"));
            assert_eq!(status.code(), grpc_code(code));
            let info = status.get_details_error_info().unwrap();
            assert_eq!((&*info.reason, &*info.domain), (code.as_str(), "exposure"));
            assert!(status.get_details_bad_request().is_none());
            assert!(status.get_details_retry_info().is_none());
        }
    }

    #[test]
    fn fields_and_delays_are_told() {
        let error = ServiceError::invalid("cursor", "is none");
        let violations = status(&error).get_details_bad_request().unwrap().field_violations;
        let [violation] = violations.as_slice() else { panic!("{violations:?}") };
        assert_eq!((&*violation.field, &*violation.description), ("cursor", "is none"));
        let error = ServiceError::exhausted("full", Duration::from_millis(250));
        let delay = status(&error).get_details_retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(Duration::from_millis(250)));
    }
}
