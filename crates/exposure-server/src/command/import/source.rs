use exposure_core::Timestamp;
use exposure_formats::capture::{self, CaptureError, Recorded, RecordedHeaders};
use exposure_formats::{Headers as _, Protocol, Request, inflate};

use super::format::{Format, Layout};

/// A request out of a file.
#[derive(Debug)]
pub(super) struct Source<'f> {
    /// The request as it was recorded, or as it would have been, its body inflated.
    pub(super) recorded: Recorded<'f>,
    /// What it speaks.
    pub(super) protocol: Protocol,
    /// Whether the file says when it was received.
    pub(super) has_time: bool,
    /// Its place among all requests of the file.
    pub(super) index: usize,
}

/// How long a body in a file may be, decompressed.
const MAX_BODY_BYTES: usize = 1 << 30;

/// The requests of a file, in order: those of a capture that are of the format, or of any that
/// is known where none is named; a file that is no capture is one body of the format.
///
/// A body that can not be inflated is left as it is, and then can not be read.
pub(super) fn sources(
    file: &[u8],
    format: Option<Format>,
    now: Timestamp,
) -> Result<Vec<Source<'_>>, String> {
    let layout = format.map(Format::layout);
    let (recorded, has_time) = match (capture::requests(file), layout) {
        (Ok(Some(recorded)), _) => (recorded, true),
        // A file that claims to be a capture, and is a wrong one, is not a body either.
        (Err(error @ (CaptureError::Time { .. } | CaptureError::Raw { .. })), _) => {
            return Err(error.to_string());
        }
        (Ok(None) | Err(_), Some(Layout::Body { target, .. })) => {
            let recorded = Recorded {
                received: now,
                method: "POST".into(),
                target: target.into(),
                headers: RecordedHeaders::default(),
                body: file.into(),
            };
            (vec![recorded], false)
        }
        (Ok(None), _) => {
            return Err("it has no `requests`; if it is one body, name its --format".to_owned());
        }
        (Err(error), _) => {
            return Err(format!("{error}; if it is one body, name its --format"));
        }
    };
    let asked = layout.and_then(|layout| match layout {
        Layout::Body { protocol, .. } => Some(protocol),
        Layout::Lines(_) => None,
    });
    let sources = recorded.into_iter().enumerate().filter_map(|(index, mut recorded)| {
        // What a browser asks before it sends has no events.
        if matches!(&*recorded.method, "OPTIONS" | "HEAD") {
            return None;
        }
        if let Some(target) = over_http(&recorded.target) {
            recorded.target = target.into();
        }
        let coding = recorded.headers.get("content-encoding").unwrap_or_default();
        if let Ok(body) = inflate(&recorded.body, coding, MAX_BODY_BYTES) {
            recorded.body = body.into();
        }
        let protocol = Protocol::of(&request(&recorded))?;
        let is_asked = asked.is_none_or(|asked| asked == protocol.name());
        is_asked.then_some(Source { recorded, protocol, has_time, index })
    });
    Ok(sources.collect())
}

/// Where the message of a call of gRPC would have been sent over HTTP.
fn over_http(method: &str) -> Option<&'static str> {
    match method {
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some("/v1/logs"),
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some("/v1/traces"),
        _ => None,
    }
}

/// A recorded request as the formats read it.
pub(super) fn request<'r>(recorded: &'r Recorded<'_>) -> Request<'r> {
    let (path, query) = Request::split_target(&recorded.target);
    Request {
        method: &recorded.method,
        path,
        query,
        headers: &recorded.headers,
        body: &recorded.body,
        received: recorded.received,
    }
}
