use std::borrow::Cow;

use super::Endpoint;
use crate::Answer;

/// The answer to a request that was taken in, whatever became of single calls: the SDKs would
/// drop a whole batch for anything but a 200.
pub fn accepted(endpoint: Endpoint) -> Answer {
    match endpoint {
        Endpoint::Single(_) | Endpoint::Batch => Answer::fixed_json(r#"{"success":true}"#),
        Endpoint::Pixel(_) => Answer {
            status: 200,
            content_type: "image/gif",
            body: Cow::Borrowed(&TRANSPARENT_PIXEL),
            retry_after: None,
        },
    }
}

/// The least GIF there is: one transparent pixel.
const TRANSPARENT_PIXEL: [u8; 43] =
    *b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
