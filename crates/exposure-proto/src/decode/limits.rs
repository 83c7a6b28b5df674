/// Bounds of one request beyond its bytes.
///
/// An empty event takes two bytes on the wire and a hundred times as much when decoded:
/// whoever takes requests from strangers sets both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The most events. Default: no bound.
    pub max_events: usize,
    /// The most property writes over all events. Default: no bound.
    pub max_writes: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_events: usize::MAX, max_writes: usize::MAX }
    }
}
