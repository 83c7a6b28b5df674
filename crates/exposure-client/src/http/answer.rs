use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;

use crate::provider::SendError;

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// How long it asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// Whether it is a page for people: what stands between a program and the network answers so.
    pub(crate) is_html: bool,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: &HeaderMap, body: Bytes) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = text(CONTENT_TYPE).unwrap_or_default();
        // Segment says the same in a header of its own where this one is missing.
        let seconds = text(RETRY_AFTER).or(headers
            .get("x-ratelimit-reset")
            .and_then(|value| value.to_str().ok())
            .filter(|_| status == 429));
        let retry_after = seconds.and_then(|seconds| seconds.trim().parse().ok());
        Self {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            is_html: content_type.trim_start().to_ascii_lowercase().starts_with("text/html"),
            body,
        }
    }

    /// The body, if it is a JSON object.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok().filter(Value::is_object)
    }

    /// Not now.
    pub(crate) fn unavailable(&self, reason: impl Into<String>) -> SendError {
        SendError::Unavailable { after: self.retry_after, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)]) -> Answer {
        let headers = headers
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Answer::new(status, &headers.collect(), Bytes::new())
    }

    #[test]
    fn the_time_to_wait_is_read() {
        for (status, headers, seconds) in [
            (503, &[("retry-after", "7")][..], Some(7)),
            (429, &[("retry-after", " 300 "), ("x-ratelimit-reset", "4")], Some(300)),
            (429, &[("x-ratelimit-reset", "4")], Some(4)),
            (200, &[("x-ratelimit-reset", "4")], None),
            (503, &[("retry-after", "soon")], None),
            (503, &[("retry-after", "-1")], None),
            (503, &[], None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(answer(status, headers).retry_after, expected, "{status} {headers:?}");
        }
    }

    #[test]
    fn pages_for_people_are_known() {
        assert!(answer(200, &[("content-type", "Text/HTML; charset=utf-8")]).is_html);
        assert!(!answer(200, &[("content-type", "application/json")]).is_html);
        assert!(!answer(200, &[]).is_html);
    }
}
