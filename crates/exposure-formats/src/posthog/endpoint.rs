use crate::Request;

/// A path of PostHog's capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/batch`, `/i/v0/e`, `/e`, `/capture`, `/track`: events in any of its forms.
    Capture,
    /// `/engage`: what is set of persons.
    Engage,
    /// `/i/v1/analytics/events`: a batch, answered event by event.
    V1,
}

/// How many events a request may have.
pub const MAX_EVENTS: usize = 10_000;

impl Endpoint {
    /// The endpoint that a request is for. Others share paths with it, and are told apart by
    /// their bodies before.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        match request.path.strip_suffix('/').unwrap_or(request.path) {
            "/batch" | "/i/v0/e" | "/e" | "/capture" | "/track" => Some(Self::Capture),
            "/engage" => Some(Self::Engage),
            "/i/v1/analytics/events" => Some(Self::V1),
            _ => None,
        }
    }
}
