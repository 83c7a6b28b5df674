use std::borrow::Cow;

use exposure_core::{Body, ErrorCode, EventTime, Exposure, Incoming, Rejection, Timestamp};

use super::Options;
use super::evaluation::{Evaluation, Seen};
use super::insert_id::{Identity, InsertIds};
use super::library::Library;
use crate::{Arena, Refused};

/// Takes the evaluations of a request as they are found, whichever its encoding.
#[derive(Debug)]
pub(super) struct Collector<'o, 'b> {
    pub(super) options: &'o Options,
    pub(super) arena: &'b Arena,
    events: Vec<Result<Incoming<'b>, Refused<'b>>>,
    /// What takes a few bytes each in the body takes much more in memory.
    max_events: usize,
    insert_ids: InsertIds,
    /// The SDK, by the resource.
    sdk: Library<'b>,
    /// The instrumentation, by the scope.
    scope: Library<'b>,
    /// The text of either, once an event needed it.
    library: Option<&'b str>,
}

/// When something was, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Nanos {
    #[default]
    Missing,
    At(u64),
    /// A number that is no time.
    OutOfRange,
}

impl Nanos {
    /// As protobuf has it, where zero is none.
    pub(super) const fn new(nanos: u64) -> Self {
        if nanos == 0 { Self::Missing } else { Self::At(nanos) }
    }

    pub(super) const fn or(self, other: Self) -> Self {
        if matches!(self, Self::Missing) { other } else { self }
    }
}

impl<'o, 'b> Collector<'o, 'b> {
    pub(super) fn new(max_events: usize, options: &'o Options, arena: &'b Arena) -> Self {
        Self {
            max_events,
            options,
            arena,
            events: Vec::new(),
            insert_ids: InsertIds::default(),
            sdk: Library::default(),
            scope: Library::default(),
            library: None,
        }
    }

    pub(super) fn begin_resource(&mut self, sdk: Library<'b>) {
        self.sdk = sdk;
    }

    pub(super) fn begin_scope(&mut self, scope: Library<'b>) {
        self.scope = scope;
        self.library = None;
    }

    /// Takes one evaluation.
    pub(super) fn add(&mut self, evaluation: &Evaluation<'b>, nanos: Nanos, span_id: &[u8]) {
        if self.is_full() {
            return;
        }
        let user_id = self.kept(evaluation.user_id());
        let device_id = self.kept(evaluation.device_id());
        let flag_key = self.kept(evaluation.flag_key());
        let mut event = Incoming {
            user_id,
            device_id,
            time: match nanos {
                Nanos::Missing => EventTime::Missing,
                Nanos::At(nanos) => {
                    EventTime::At(Timestamp::from_micros((nanos / 1000).cast_signed()))
                }
                Nanos::OutOfRange => EventTime::OutOfRange,
            },
            sequence: i64::try_from(self.events.len()).unwrap_or(i64::MAX),
            library: self.library(),
            body: Body::Ignored,
            ..Incoming::default()
        };
        if let Seen::Variant(variant) = evaluation.seen() {
            let variant = self.kept(Some(variant));
            event.body = Body::Exposure(Exposure {
                flag_key,
                variant,
                experiment_key: self.kept(evaluation.experiment_key()),
                ..Exposure::default()
            });
            // Without a time, a user who sees A, B and A again would look like a retry.
            if let Nanos::At(nanos) = nanos {
                let identity = Identity {
                    user_id: user_id.unwrap_or_default(),
                    device_id: device_id.unwrap_or_default(),
                    flag_key: flag_key.unwrap_or_default(),
                    variant: variant.unwrap_or_default(),
                    nanos,
                    span_id,
                };
                event.insert_id = Some(self.insert_ids.derive(&identity, self.arena));
            }
        }
        self.events.push(Ok(event));
    }

    /// Takes one evaluation of JSON, whose time may be no time.
    pub(super) fn take(
        &mut self,
        evaluation: &Evaluation<'b>,
        nanos: Result<Nanos, Rejection>,
        span_id: &[u8],
        json: &'b str,
    ) {
        match nanos {
            Ok(nanos) => self.add(evaluation, nanos, span_id),
            Err(rejection) => self.refuse(rejection, evaluation, json),
        }
    }

    /// Takes what stands in the place of a record and is none.
    #[cold]
    pub(super) fn refuse_what_is_no_object(&mut self, json: &'b str) {
        let rejection =
            Rejection::new(ErrorCode::Invalid, "event", "is no object; send one a record");
        self.refuse(rejection, &Evaluation::default(), json);
    }

    #[cold]
    fn refuse(&mut self, rejection: Rejection, evaluation: &Evaluation<'b>, json: &'b str) {
        if self.is_full() {
            return;
        }
        let refused = Refused {
            rejection,
            user_id: self.kept(evaluation.user_id()).unwrap_or_default(),
            device_id: self.kept(evaluation.device_id()).unwrap_or_default(),
            library: self.library(),
            event: json,
        };
        self.events.push(Err(refused));
    }

    pub(super) fn into_events(self) -> Vec<Result<Incoming<'b>, Refused<'b>>> {
        self.events
    }

    /// Whether there are too many already, which one too many tells.
    fn is_full(&self) -> bool {
        self.max_events < self.events.len()
    }

    fn library(&mut self) -> &'b str {
        if let Some(library) = self.library {
            return library;
        }
        let named = if self.sdk.name.is_empty() { self.scope } else { self.sdk };
        self.library.insert(named.text(self.arena))
    }

    fn kept(&self, text: Option<Cow<'b, str>>) -> Option<&'b str> {
        Some(match text? {
            Cow::Borrowed(text) => text,
            Cow::Owned(text) => self.arena.text(&text),
        })
    }
}
