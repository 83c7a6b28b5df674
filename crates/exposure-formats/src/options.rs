use crate::otlp;

/// What formats leave to be said beside a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How many events of a request are read; one more tells that there are too many.
    /// Default: as many as its [protocol](crate::Protocol::max_events) allows.
    pub max_events: Option<usize>,
    /// Of OTLP.
    pub otlp: otlp::Options,
}
