/// What a request exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Log records: an `ExportLogsServiceRequest`.
    Logs,
    /// Spans with their events: an `ExportTraceServiceRequest`.
    Traces,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As protobuf.
    Protobuf,
    /// As the JSON of OTLP: ids in hexadecimal, 64-bit integers as strings.
    Json,
}

impl Encoding {
    /// The type of content of a message.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}
