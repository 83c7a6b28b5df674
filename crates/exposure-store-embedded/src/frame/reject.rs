use exposure_core::ErrorCode;
use exposure_store::Reject;

use super::bytes::{Cursor, Malformed, put_bytes32, put_text16};

/// A refused event, borrowed from the log.
pub(crate) type RejectRecord<'a> = Reject<'a>;

/// Appends a reject.
pub(crate) fn encode_reject(out: &mut Vec<u8>, reject: &Reject<'_>) {
    for text in [
        reject.code.as_str(),
        reject.field,
        reject.message,
        reject.user,
        reject.device,
        reject.library,
    ] {
        put_text16(out, text);
    }
    put_bytes32(out, reject.event);
}

/// Reads a reject and says how many bytes it took.
pub(crate) fn decode_reject(bytes: &[u8]) -> Result<(RejectRecord<'_>, usize), Malformed> {
    let mut cursor = Cursor(bytes);
    let code =
        ErrorCode::from_name(cursor.text16()?).ok_or(Malformed("a reject has an unknown code"))?;
    let reject = Reject {
        code,
        field: cursor.text16()?,
        message: cursor.text16()?,
        user: cursor.text16()?,
        device: cursor.text16()?,
        library: cursor.text16()?,
        event: cursor.bytes32()?,
    };
    Ok((reject, bytes.len() - cursor.0.len()))
}
