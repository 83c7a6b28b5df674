use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use serde_json::Value;

use crate::provider::SendError;
use crate::{Clock as _, SystemClock};

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
        let reset = headers.get("x-ratelimit-reset").and_then(|value| value.to_str().ok());
        let retry_after = text(RETRY_AFTER).or(reset.filter(|_| status == 429));
        Self {
            status,
            retry_after: retry_after.and_then(|text| wait(text.trim(), headers)),
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

/// `Retry-After` is a number of seconds, or a date: then it is as far away as the server's own
/// clock says, which is in the answer; the one here may be wrong.
fn wait(text: &str, headers: &HeaderMap) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let now = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let now = now.unwrap_or_else(|| {
        let micros = u64::try_from(SystemClock.now().as_micros()).unwrap_or(0);
        UNIX_EPOCH + Duration::from_micros(micros)
    });
    // A date that is past asks for nothing.
    Some(until.duration_since(now).unwrap_or_default())
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
    fn a_date_to_wait_for_is_read_by_the_clock_of_who_names_it() {
        let date = ("date", "Fri, 01 Jan 2027 00:00:00 GMT");
        for (until, seconds) in [
            ("Fri, 01 Jan 2027 00:02:00 GMT", Some(120)),
            // What nobody should write any more, and everybody should read.
            ("Friday, 01-Jan-27 00:02:00 GMT", Some(120)),
            ("Fri Jan  1 00:02:00 2027", Some(120)),
            ("Fri, 01 Jan 2027 00:00:00 GMT", Some(0)),
            ("Thu, 31 Dec 2026 23:59:00 GMT", Some(0)),
            ("Fri, 01 Jan 2027 25:00:00 GMT", None),
            ("Fri, 01 Jan 2027", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(
                answer(503, &[("retry-after", until), date]).retry_after,
                expected,
                "{until}"
            );
        }
        // Without a date it is as far as the clock here says.
        let past = answer(429, &[("retry-after", "Fri, 01 Jan 2021 00:00:00 GMT")]);
        assert_eq!(past.retry_after, Some(Duration::ZERO));
        let far = answer(429, &[("retry-after", "Tue, 01 Jan 2199 00:00:00 GMT")]);
        assert!(far.retry_after > Some(Duration::from_hours(24)));
    }

    #[test]
    fn pages_for_people_are_known() {
        assert!(answer(200, &[("content-type", "Text/HTML; charset=utf-8")]).is_html);
        assert!(!answer(200, &[("content-type", "application/json")]).is_html);
        assert!(!answer(200, &[]).is_html);
    }
}
