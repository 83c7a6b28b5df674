use crate::otlp;

/// What formats leave to be said beside a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Of OTLP.
    pub otlp: otlp::Options,
}
