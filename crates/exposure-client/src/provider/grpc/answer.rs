use std::time::Duration;

use exposure_proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::provider::{Delivery, SendError};

/// What became of an event that was not taken.
pub(super) fn rejected(rejected: v1::Rejected) -> Delivery {
    let v1::Rejected { code, field, message } = rejected;
    if is_retryable(code) {
        return Delivery::Retry { after: None };
    }
    Delivery::Rejected { reason: format!("{}: `{field}` {message}", name(code)) }
}

/// A batch that was refused as a whole on a stream.
pub(super) fn refusal(refusal: v1::Refusal) -> SendError {
    let v1::Refusal { code, message, retry_delay_ms, .. } = refusal;
    let after = retry_delay_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    let reason = format!("{}: {message}", name(code));
    match v1::ErrorCode::try_from(code) {
        // In halves, down to the event that is at fault.
        Ok(
            v1::ErrorCode::BatchTooLarge
            | v1::ErrorCode::Invalid
            | v1::ErrorCode::Missing
            | v1::ErrorCode::TooLong
            | v1::ErrorCode::TooDeep
            | v1::ErrorCode::TooShort,
        ) if after.is_none() => SendError::TooLarge { reason },
        _ => SendError::Unavailable { after, reason },
    }
}

/// A call or a stream that failed.
///
/// A key that is wrong or revoked is no reason to lose anything: it may be put right.
pub(super) fn status(status: &Status) -> SendError {
    let after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let reason = format!("{:?}: {}", status.code(), status.message());
    match status.code() {
        Code::InvalidArgument | Code::OutOfRange if after.is_none() => {
            SendError::TooLarge { reason }
        }
        _ => SendError::Unavailable { after, reason },
    }
}

fn is_retryable(code: i32) -> bool {
    use v1::ErrorCode as E;
    matches!(E::try_from(code), Ok(E::ResourceExhausted | E::Unavailable | E::Internal))
}

fn name(code: i32) -> &'static str {
    let code = v1::ErrorCode::try_from(code).unwrap_or(v1::ErrorCode::Unspecified);
    code.as_str_name().trim_start_matches("ERROR_CODE_")
}
