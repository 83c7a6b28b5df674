use exposure_core::{Dialect, Outcome, Rejection};

use crate::{
    Answer, Arena, BodyError, Failure, Options, Request, Upload, amplitude, growthbook, otlp,
    posthog, segment,
};

/// The wire protocol that a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Amplitude's HTTP API.
    Amplitude(amplitude::Endpoint),
    /// OpenTelemetry's, over HTTP.
    Otlp(otlp::Endpoint),
    /// The tracking API of Segment and RudderStack.
    Segment(segment::Endpoint),
    /// GrowthBook's ingestor.
    GrowthBook,
    /// PostHog's capture.
    PostHog(posthog::Endpoint),
}

/// What of a request was stored, as far as an answer tells it.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The request.
    pub request: &'a Request<'a>,
    /// One outcome for each event, in order.
    pub outcomes: &'a [Outcome],
    /// What the protocol calls the events; empty where it names none.
    pub names: &'a [&'a str],
}

impl Protocol {
    /// The protocol of a request by its path, and where two share a path by its body; `None`
    /// if the path is no sender's.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        amplitude::Endpoint::of(request)
            .map(Self::Amplitude)
            .or_else(|| otlp::Endpoint::of(request).map(Self::Otlp))
            .or_else(|| segment::Endpoint::of(request).map(Self::Segment))
            .or_else(|| growthbook::is_growthbook(request).then_some(Self::GrowthBook))
            .or_else(|| posthog::Endpoint::of(request).map(Self::PostHog))
    }

    /// The name of the protocol, for people and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amplitude(_) => "amplitude",
            Self::Otlp(_) => "otlp",
            Self::Segment(_) => "segment",
            Self::GrowthBook => "growthbook",
            Self::PostHog(_) => "posthog",
        }
    }

    /// Reads the events of a request, with the default options.
    ///
    /// # Errors
    /// If the body as a whole can not be read. A single bad event is an `Err` among the events.
    pub fn read<'b>(
        self,
        request: &Request<'b>,
        arena: &'b Arena,
    ) -> Result<Upload<'b>, BodyError> {
        self.read_with(request, &Options::default(), arena)
    }

    /// Reads the events of a request.
    ///
    /// # Errors
    /// If the body as a whole can not be read. A single bad event is an `Err` among the events.
    pub fn read_with<'b>(
        self,
        request: &Request<'b>,
        options: &Options,
        arena: &'b Arena,
    ) -> Result<Upload<'b>, BodyError> {
        // What takes a few bytes each in the body, and much more in memory, is not collected first.
        let max_events = options.max_events.or(self.max_events()).unwrap_or(usize::MAX);
        match self {
            Self::Amplitude(endpoint) => amplitude::read(endpoint, request, max_events, arena),
            Self::Otlp(endpoint) => otlp::read(endpoint, request, max_events, &options.otlp, arena),
            Self::Segment(endpoint) => segment::read(endpoint, request, max_events, arena),
            Self::GrowthBook => growthbook::read(request, max_events, arena),
            Self::PostHog(endpoint) => posthog::read(endpoint, request, max_events, arena),
        }
    }

    /// Its sender's customs.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Amplitude(_) => Dialect::Amplitude,
            Self::Otlp(_) | Self::Segment(_) | Self::GrowthBook | Self::PostHog(_) => {
                Dialect::Foreign
            }
        }
    }

    /// How many events a request may have; `None` where the protocol says nothing.
    pub const fn max_events(self) -> Option<usize> {
        match self {
            Self::Amplitude(_) => Some(amplitude::MAX_EVENTS),
            Self::Otlp(_) => None,
            Self::Segment(_) => Some(segment::MAX_EVENTS),
            Self::GrowthBook => Some(growthbook::MAX_EVENTS),
            Self::PostHog(_) => Some(posthog::MAX_EVENTS),
        }
    }

    /// The answer to a request of which nothing may be stored because of events that the
    /// protocol itself refuses; `None` where there are none, or where it refuses no events.
    pub fn refusal<'r>(
        self,
        refused: impl IntoIterator<Item = (usize, &'r Rejection)>,
    ) -> Option<Answer> {
        match self {
            // The browser SDK that posts forms would send what is refused again for ever, and
            // with it all that comes after.
            Self::Amplitude(amplitude::Endpoint::Legacy)
            | Self::Otlp(_)
            | Self::Segment(_)
            | Self::GrowthBook
            | Self::PostHog(_) => None,
            Self::Amplitude(_) => amplitude::invalid_events(refused),
        }
    }

    /// The answer to a request whose events have their outcomes.
    pub fn accepted(self, stored: &Stored<'_>) -> Answer {
        match self {
            Self::Amplitude(_) => amplitude::accepted(stored),
            Self::Otlp(endpoint) => otlp::accepted(endpoint, stored),
            Self::Segment(endpoint) => segment::accepted(endpoint),
            Self::GrowthBook => Answer::fixed_json(r#"{"success":true}"#),
            Self::PostHog(endpoint) => posthog::accepted(endpoint, stored),
        }
    }

    /// The answer to a request of which nothing was taken.
    pub fn failed(self, failure: &Failure<'_>) -> Answer {
        match self {
            Self::Amplitude(_) => amplitude::failed(failure),
            Self::Otlp(endpoint) => otlp::failed(endpoint, failure),
            Self::Segment(_) | Self::GrowthBook | Self::PostHog(_) => Answer::of_failure(failure),
        }
    }
}
