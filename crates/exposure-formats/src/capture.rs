//! Recorded requests: files of `{"sdk", "version", "requests": [{"t" or "t_ms", "method",
//! "path", "headers", "raw_b64" or "body"}]}`, as a recorder in the place of a server writes them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use exposure_core::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Headers;

/// One recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<'f> {
    /// When the recorder received it.
    pub received: Timestamp,
    /// Its method, in upper case.
    pub method: Cow<'f, str>,
    /// Its path, with the query.
    pub target: Cow<'f, str>,
    /// Its headers.
    pub headers: RecordedHeaders,
    /// Its body as it came; where that was not kept the JSON of a JSON body, the text of any
    /// other, empty where it had none.
    pub body: Cow<'f, [u8]>,
}

/// The headers of a recorded request, by their names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedHeaders(BTreeMap<String, String>);

impl Headers for RecordedHeaders {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Why a file holds no recorded requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// It is no JSON, or not of that form.
    #[error("the file is no capture: {0}")]
    NotACapture(String),
    /// A request says not when it was recorded, or at no possible time.
    #[error(
        "request {index} of the capture has no possible time; `t_ms` is in milliseconds, `t` in seconds since 1970-01-01"
    )]
    Time {
        /// Its index in the file.
        index: usize,
    },
    /// A request's `raw_b64` is no base64.
    #[error("request {index} of the capture has a `raw_b64` that is no base64")]
    Raw {
        /// Its index in the file.
        index: usize,
    },
}

/// The requests of a capture, in order. `None` if the file is JSON without `requests`, which
/// may then be a plain body.
pub fn requests(file: &[u8]) -> Result<Option<Vec<Recorded<'_>>>, CaptureError> {
    let file: File<'_> = serde_json::from_slice(file)
        .map_err(|error| CaptureError::NotACapture(error.to_string()))?;
    let Some(recorded) = file.requests else { return Ok(None) };
    let requests = recorded.into_iter().enumerate().map(|(index, request)| {
        let received = request.received().ok_or(CaptureError::Time { index })?;
        let headers = request.headers.into_iter().flatten();
        Ok(Recorded {
            received,
            method: request.method,
            target: request.path,
            headers: RecordedHeaders(
                headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            ),
            body: match (request.raw_b64, request.body) {
                (Some(raw), _) => base64::engine::general_purpose::STANDARD
                    .decode(raw.as_bytes())
                    .map_err(|_| CaptureError::Raw { index })?
                    .into(),
                (None, Some(body)) => bytes(body),
                (None, None) => Cow::Borrowed(&[]),
            },
        })
    });
    requests.collect::<Result<_, _>>().map(Some)
}

/// A body that was no JSON is recorded as a string.
fn bytes(body: &RawValue) -> Cow<'_, [u8]> {
    if body.get() == "null" {
        return Cow::Borrowed(&[]);
    }
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
    requests: Option<Vec<Request<'f>>>,
}

#[derive(Deserialize)]
struct Request<'f> {
    t_ms: Option<i64>,
    t: Option<f64>,
    #[serde(borrow)]
    method: Cow<'f, str>,
    #[serde(borrow)]
    path: Cow<'f, str>,
    headers: Option<BTreeMap<String, String>>,
    #[serde(borrow)]
    raw_b64: Option<Cow<'f, str>>,
    #[serde(borrow, default)]
    body: Option<&'f RawValue>,
}

impl Request<'_> {
    fn received(&self) -> Option<Timestamp> {
        if let Some(millis) = self.t_ms {
            return Timestamp::from_millis(millis);
        }
        let micros = (self.t? * 1e6).round();
        // Beyond 2^53 a number of seconds is no time of this world, and of no exact value.
        (micros.abs() < 9e15).then(|| Timestamp::from_micros(micros as i64))
    }
}
