use std::borrow::Cow;

use exposure_core::Timestamp;

use crate::capture::{self, CaptureError};

/// The body of an upload out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<'f> {
    /// When it was first received; absent in a file that is the body alone.
    pub received: Option<Timestamp>,
    /// The body.
    pub body: Cow<'f, [u8]>,
}

/// The uploads of a file, in order: of a capture every POST to `/2/httpapi` or `/batch`; a
/// file without `requests` is the body of one upload itself.
///
/// # Errors
/// If it is neither. Whether a body can be read shows when it is parsed.
pub fn uploads(file: &[u8]) -> Result<Vec<Recorded<'_>>, CaptureError> {
    let Some(requests) = capture::requests(file)? else {
        return Ok(vec![Recorded { received: None, body: Cow::Borrowed(file) }]);
    };
    Ok(requests
        .into_iter()
        .filter(|request| request.method == "POST" && is_upload_path(&request.path))
        .map(|request| Recorded { received: Some(request.received), body: request.body })
        .collect())
}

fn is_upload_path(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    matches!(path.trim_end_matches('/'), "/2/httpapi" | "/batch")
}
