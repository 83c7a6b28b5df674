use exposure_proto::v1;
use tonic::{Code, Status};

use crate::failure::Failure;

/// A call that failed, in one line.
pub(crate) fn describe(status: &Status) -> Failure {
    let name = match status.code() {
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
    };
    Failure::failed(format!("{name}: {}", status.message()))
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        describe(&status)
    }
}

/// The reason of a rejection as it is written everywhere else.
pub(crate) fn code_name(number: i32) -> &'static str {
    let name = v1::ErrorCode::try_from(number).unwrap_or_default().as_str_name();
    name.strip_prefix("ERROR_CODE_").unwrap_or(name)
}
