//! Recorded requests: files of `{"sdk", "version", "requests": [{"t_ms", "method", "path",
//! "headers", "body"}]}`, as a recorder in the place of a server writes them.

use std::borrow::Cow;

use exposure_core::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

/// One recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'f> {
    /// When the recorder received it.
    pub received: Timestamp,
    /// Its method, in upper case.
    pub method: Cow<'f, str>,
    /// Its path, with the query.
    pub path: Cow<'f, str>,
    /// Its body: the JSON of a JSON body, the text of any other, empty where it had none.
    pub body: Cow<'f, [u8]>,
}

/// Why a file holds no recorded requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// It is no JSON, or not of that form.
    #[error("the file is no capture: {0}")]
    NotACapture(String),
    /// A request was recorded at no possible time.
    #[error("request {index} of the capture has `t_ms` {t_ms}, which is no time")]
    Time {
        /// Its index in the file.
        index: usize,
        /// What it says.
        t_ms: i64,
    },
}

/// The requests of a capture, in order. `None` if the file is JSON without `requests`, which
/// may then be a plain body.
pub fn requests(file: &[u8]) -> Result<Option<Vec<Request<'_>>>, CaptureError> {
    let file: File<'_> = serde_json::from_slice(file)
        .map_err(|error| CaptureError::NotACapture(error.to_string()))?;
    let Some(recorded) = file.requests else { return Ok(None) };
    let requests = recorded.into_iter().enumerate().map(|(index, request)| {
        Ok(Request {
            received: Timestamp::from_millis(request.t_ms)
                .ok_or(CaptureError::Time { index, t_ms: request.t_ms })?,
            method: request.method,
            path: request.path,
            body: request.body.map_or(Cow::Borrowed(&[]), bytes),
        })
    });
    requests.collect::<Result<_, _>>().map(Some)
}

/// A body that was no JSON is recorded as a string.
fn bytes(body: &RawValue) -> Cow<'_, [u8]> {
    if body.get().starts_with('"')
        && let Ok(text) = serde_json::from_str::<String>(body.get())
    {
        return Cow::Owned(text.into_bytes());
    }
    Cow::Borrowed(body.get().as_bytes())
}

#[derive(Deserialize)]
struct File<'f> {
    #[serde(borrow)]
    requests: Option<Vec<Recorded<'f>>>,
}

#[derive(Deserialize)]
struct Recorded<'f> {
    t_ms: i64,
    #[serde(borrow)]
    method: Cow<'f, str>,
    #[serde(borrow)]
    path: Cow<'f, str>,
    #[serde(borrow, default)]
    body: Option<&'f RawValue>,
}
