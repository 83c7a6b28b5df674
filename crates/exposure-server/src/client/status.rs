use exposure_proto::{convert, v1};
use tonic::Status;

use crate::failure::Failure;

/// A call that failed, in one line.
pub(crate) fn describe(status: &Status) -> Failure {
    let name = convert::code_name(status.code());
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
