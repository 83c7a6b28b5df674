use super::{Encoding, Signal};
use crate::Request;

/// A path of OTLP over HTTP, and how its messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What is exported.
    pub signal: Signal,
    /// How the request is written.
    pub request: Encoding,
    /// How the answer is: as the request says it is.
    pub answer: Encoding,
}

impl Endpoint {
    /// The endpoint that a request is for: `/v1/logs` or `/v1/traces`.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        let signal = match request.path.strip_suffix('/').unwrap_or(request.path) {
            "/v1/logs" => Signal::Logs,
            "/v1/traces" => Signal::Traces,
            _ => return None,
        };
        let named = named(request);
        // A brace would begin a group of protobuf, which no exporter writes.
        let found = match request.body.first() {
            Some(b'{') => Encoding::Json,
            _ => named.unwrap_or(Encoding::Protobuf),
        };
        Some(Self { signal, request: found, answer: named.unwrap_or(found) })
    }
}

/// The encoding that the `content-type` names.
fn named(request: &Request<'_>) -> Option<Encoding> {
    let content_type = request.header("content-type")?.to_ascii_lowercase();
    if content_type.contains("json") {
        Some(Encoding::Json)
    } else if content_type.contains("protobuf") {
        Some(Encoding::Protobuf)
    } else {
        None
    }
}
