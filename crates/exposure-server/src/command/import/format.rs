use clap::ValueEnum;
use exposure_formats::Export;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Uploads of Amplitude's HTTP API
    Amplitude,
    /// Lines of Amplitude's Export API
    AmplitudeExport,
    /// Batches of Segment's or `RudderStack`'s HTTP API
    Segment,
    /// Lines of Segment's or `RudderStack`'s archives
    SegmentExport,
    /// Batches of `PostHog`'s capture API
    Posthog,
    /// Events of `GrowthBook`'s ingestor
    Growthbook,
    /// OpenTelemetry's logs, protobuf or JSON
    OtlpLogs,
    /// OpenTelemetry's traces, protobuf or JSON
    OtlpTraces,
}

/// How the events stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One event a line.
    Lines(Export),
    /// One body, as it would have been sent.
    Body {
        /// Where to.
        target: &'static str,
        /// The name of its protocol.
        protocol: &'static str,
    },
}

impl Format {
    pub(super) const fn layout(self) -> Layout {
        let (target, protocol) = match self {
            Self::AmplitudeExport => return Layout::Lines(Export::Amplitude),
            Self::SegmentExport => return Layout::Lines(Export::Segment),
            Self::Amplitude => ("/2/httpapi", "amplitude"),
            Self::Segment => ("/v1/batch", "segment"),
            Self::Posthog => ("/i/v0/e/", "posthog"),
            Self::Growthbook => ("/track?client_key=", "growthbook"),
            Self::OtlpLogs => ("/v1/logs", "otlp"),
            Self::OtlpTraces => ("/v1/traces", "otlp"),
        };
        Layout::Body { target, protocol }
    }
}
