use clap::ValueEnum;
use exposure_core::Timestamp;
use exposure_formats::capture::{self, CaptureError, Recorded, RecordedHeaders};
use exposure_formats::{Headers as _, Protocol, Request, inflate};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Uploads of Amplitude's HTTP API
    Amplitude,
    /// Batches of Segment's or `RudderStack`'s HTTP API
    Segment,
    /// Batches of `PostHog`'s capture API
    Posthog,
    /// Events of `GrowthBook`'s ingestor
    Growthbook,
    /// OpenTelemetry's logs, protobuf or JSON
    OtlpLogs,
    /// OpenTelemetry's traces, protobuf or JSON
    OtlpTraces,
}

/// A request out of a file.
#[derive(Debug)]
pub(super) struct Source<'f> {
    /// The request as it was recorded, or as it would have been, its body inflated.
    pub(super) recorded: Recorded<'f>,
    /// What it speaks.
    pub(super) protocol: Protocol,
    /// Whether the file says when it was received.
    pub(super) has_time: bool,
}

impl Format {
    /// Where such a body would have been sent.
    const fn target(self) -> &'static str {
        match self {
            Self::Amplitude => "/2/httpapi",
            Self::Segment => "/v1/batch",
            Self::Posthog => "/i/v0/e/",
            Self::Growthbook => "/track?client_key=",
            Self::OtlpLogs => "/v1/logs",
            Self::OtlpTraces => "/v1/traces",
        }
    }

    /// The name of its protocol.
    const fn protocol(self) -> &'static str {
        match self {
            Self::Amplitude => "amplitude",
            Self::Segment => "segment",
            Self::Posthog => "posthog",
            Self::Growthbook => "growthbook",
            Self::OtlpLogs | Self::OtlpTraces => "otlp",
        }
    }
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
    let (recorded, has_time) = match (capture::requests(file), format) {
        (Ok(Some(recorded)), _) => (recorded, true),
        // A file that claims to be a capture, and is a wrong one, is not a body either.
        (Err(error @ (CaptureError::Time { .. } | CaptureError::Raw { .. })), _) => {
            return Err(error.to_string());
        }
        (Ok(None) | Err(_), Some(format)) => {
            let recorded = Recorded {
                received: now,
                method: "POST".into(),
                target: format.target().into(),
                headers: RecordedHeaders::default(),
                body: file.into(),
            };
            (vec![recorded], false)
        }
        (Ok(None), None) => {
            return Err("it has no `requests`; if it is one body, name its --format".to_owned());
        }
        (Err(error), None) => {
            return Err(format!("{error}; if it is one body, name its --format"));
        }
    };
    let sources = recorded.into_iter().filter_map(|mut recorded| {
        let coding = recorded.headers.get("content-encoding").unwrap_or_default();
        if let Ok(body) = inflate(&recorded.body, coding, MAX_BODY_BYTES) {
            recorded.body = body.into();
        }
        let protocol = Protocol::of(&request(&recorded))?;
        let is_asked = format.is_none_or(|format| format.protocol() == protocol.name());
        is_asked.then_some(Source { recorded, protocol, has_time })
    });
    Ok(sources.collect())
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
