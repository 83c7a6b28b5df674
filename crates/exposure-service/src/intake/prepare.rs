use std::sync::Arc;

use exposure_core::{
    Admission, Admitted, Change, Effects, ErrorCode, Incoming, Notes, Outcome, Rejection, Rules,
    Subject, Timestamp, admit,
};
use exposure_store::Origin;

use super::describe::{Described, KEPT_BYTES};
use super::{IngestRequest, Permit, Refused};
use crate::project::{Look, Reservations, Tenant};
use crate::{Caller, Handle, Result, Scope, ServiceError};

/// A request whose events are checked: what is left is to store it.
///
/// The events borrow from the request. Dropping it instead of committing stores nothing.
#[derive(Debug)]
pub struct Prepared<'a> {
    pub(super) tenant: Arc<Tenant>,
    pub(super) origin: Origin,
    pub(super) events: Vec<Admitted<'a>>,
    /// Outcomes that are known without the store, each with its index in the request.
    pub(super) decided: Vec<(usize, Outcome)>,
    pub(super) refusals: Vec<Refusal<'a>>,
    pub(super) reservations: Option<Reservations>,
    pub(super) library: &'a str,
    _permit: Permit,
}

/// A refused event on its way to the rejected-event log.
#[derive(Debug)]
pub(super) struct Refusal<'a> {
    pub(super) rejection: Rejection,
    pub(super) user: &'a str,
    pub(super) device: &'a str,
    pub(super) library: &'a str,
    pub(super) event: Vec<u8>,
}

impl Handle {
    /// Checks the events of a request, in order. It waits for nothing and stores nothing.
    ///
    /// An event that its transport could not even read comes as an `Err` and takes its place
    /// among the outcomes.
    pub fn prepare<'a, I>(
        &self,
        caller: &Caller,
        request: &IngestRequest<'a>,
        events: I,
    ) -> Result<Prepared<'a>>
    where
        I: IntoIterator<Item = std::result::Result<Incoming<'a>, Refused<'a>>>,
    {
        caller.require(Scope::Ingest)?;
        if request.is_import || request.received.is_some() {
            caller.require(Scope::Admin)?;
        }
        let now = self.now();
        let received = request.received.unwrap_or(now);
        if received > now || received < Timestamp::EARLIEST_EVENT {
            return Err(ServiceError::invalid(
                "received_us",
                "`received_us` lies in the future or before 2000; it is when the events were first received, in microseconds",
            ));
        }
        let events = events.into_iter();
        let permit = self.enter(request.bytes.max(events.size_hint().0))?;
        let tenant = Arc::clone(&caller.tenant);
        let defaults = Rules::new(request.dialect, received);
        let rules = Rules {
            min_id_chars: request
                .min_id_chars
                .unwrap_or(defaults.min_id_chars)
                .max(tenant.min_id_chars),
            max_future_skew_micros: tenant.max_future_skew_micros,
            ..defaults
        };
        let mut prepared = Prepared {
            origin: Origin { project: tenant.id, key: caller.key, received, now },
            events: Vec::with_capacity(events.size_hint().0.min(self.settings().max_batch_events)),
            decided: Vec::new(),
            refusals: Vec::new(),
            reservations: None,
            library: tenant.libraries.admit(request.library),
            tenant,
            _permit: permit,
        };
        prepared.check_all(events, &rules, self.settings().max_batch_events)?;
        Ok(prepared)
    }

    fn enter(&self, bytes: usize) -> Result<Permit> {
        let gate = self.in_flight();
        if bytes > gate.limit() {
            return Err(ServiceError::new(
                ErrorCode::BatchTooLarge,
                format!("the request has {bytes} bytes; it may have at most {}", gate.limit()),
            ));
        }
        gate.enter(bytes).ok_or_else(|| {
            ServiceError::exhausted(
                format!("more than {} bytes wait to be stored; try again later", gate.limit()),
                self.settings().retry_after,
            )
        })
    }
}

impl<'a> Prepared<'a> {
    /// How many events the request has.
    pub fn len(&self) -> usize {
        self.events.len() + self.decided.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether at least one event was refused, for protocols that then refuse them all.
    pub fn refused(&self) -> impl Iterator<Item = (usize, &Rejection)> {
        self.decided.iter().filter_map(|(index, outcome)| match outcome {
            Outcome::Rejected(rejection) => Some((*index, rejection)),
            Outcome::Accepted { .. } | Outcome::Duplicate { .. } => None,
        })
    }

    /// Drops what would be stored, and keeps the refusals for the rejected-event log.
    ///
    /// Its outcomes are then those of the refused events alone.
    #[must_use]
    pub fn without_events(mut self) -> Self {
        self.release();
        self.events.clear();
        self.decided.retain(|(_, outcome)| matches!(outcome, Outcome::Rejected(_)));
        for (at, (index, _)) in self.decided.iter_mut().enumerate() {
            *index = at;
        }
        self
    }

    fn check_all(
        &mut self,
        events: impl Iterator<Item = std::result::Result<Incoming<'a>, Refused<'a>>>,
        rules: &Rules,
        max_events: usize,
    ) -> Result<()> {
        let tenant = Arc::clone(&self.tenant);
        let mut known = Known { flags: [""; KNOWN_FLAGS], library: ("", ""), look: None };
        for event in events {
            let index = self.len();
            if index >= max_events {
                self.release();
                return Err(ServiceError::new(
                    ErrorCode::BatchTooLarge,
                    format!("the request has more than {max_events} events; split it"),
                ));
            }
            match event {
                // By reference, as events are from here on: they are large to be moved.
                Ok(ref incoming) => self.check(index, incoming, rules, &tenant, &mut known),
                Err(refused) => self.refuse_unread(index, refused),
            }
        }
        Ok(())
    }

    #[inline]
    fn check<'t>(
        &mut self,
        index: usize,
        incoming: &Incoming<'a>,
        rules: &Rules,
        tenant: &'t Tenant,
        known: &mut Known<'a, 't>,
    ) {
        match admit(incoming, rules) {
            Ok(Admission::Event(event)) => self.events.push(event),
            Ok(Admission::Ignored) => {
                let accepted =
                    Outcome::Accepted { effects: Effects::None, notes: Notes::default() };
                self.decided.push((index, accepted));
                return;
            }
            Err(rejection) => {
                self.refuse(index, incoming, rejection);
                return;
            }
        }
        let Some(event) = self.events.last_mut() else { return };
        event.library = known.library(tenant, incoming.library, self.library);
        match known.check_flags(tenant, event, &mut self.reservations) {
            Ok(()) => {
                if let Subject::Outcome { event_type, .. } = &mut event.subject {
                    *event_type = tenant.event_types.admit(event_type);
                }
            }
            Err(rejection) => {
                self.events.pop();
                self.refuse(index, incoming, rejection);
            }
        }
    }

    #[cold]
    fn refuse(&mut self, index: usize, incoming: &Incoming<'a>, rejection: Rejection) {
        let library = if incoming.library.is_empty() {
            self.library
        } else {
            self.tenant.libraries.admit(incoming.library)
        };
        self.refusals.push(Refusal {
            rejection: rejection.clone(),
            user: incoming.user_id.unwrap_or(""),
            device: incoming.device_id.unwrap_or(""),
            library,
            event: Described::incoming(incoming).into_bytes(),
        });
        self.decided.push((index, Outcome::Rejected(rejection)));
    }

    #[cold]
    fn refuse_unread(&mut self, index: usize, refused: Refused<'a>) {
        let library = if refused.library.is_empty() {
            self.library
        } else {
            self.tenant.libraries.admit(refused.library)
        };
        self.refusals.push(Refusal {
            rejection: refused.rejection.clone(),
            user: refused.user_id,
            device: refused.device_id,
            library,
            event: refused.event.get(..KEPT_BYTES).unwrap_or(refused.event).to_vec(),
        });
        self.decided.push((index, Outcome::Rejected(refused.rejection)));
    }

    /// Gives back the places for flags.
    pub(super) fn release(&mut self) {
        if let Some(held) = self.reservations.take() {
            self.tenant.flags.settle(held, |_| false);
        }
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// What the events before were about, so that the next one need not be looked up.
struct Known<'a, 't> {
    /// Flags that have a place, each where its key says.
    flags: [&'a str; KNOWN_FLAGS],
    library: (&'a str, &'a str),
    /// Held from event to event: one lock for all of them.
    look: Option<Look<'t>>,
}

const KNOWN_FLAGS: usize = 16;

impl<'a, 't> Known<'a, 't> {
    /// Whether every flag that the event sets has a place.
    fn check_flags(
        &mut self,
        tenant: &'t Tenant,
        event: &Admitted<'a>,
        reservations: &mut Option<Reservations>,
    ) -> std::result::Result<(), Rejection> {
        for write in event.own_write().iter().chain(&event.extra) {
            let flag = write.flag.as_str();
            // Batches are of a few flags, and to compare is cheaper than to look up.
            if write.change == Change::Unset || self.has_place(flag) {
                continue;
            }
            if !self.look.get_or_insert_with(|| tenant.flags.look()).has(flag) {
                // A place is taken under the lock that a look holds.
                self.look = None;
                let held = reservations.get_or_insert_default();
                if !tenant.flags.reserve(flag, tenant.max_flags, held) {
                    return Err(Rejection::new(
                        ErrorCode::FlagLimit,
                        "flag_key",
                        format!(
                            "would be a new flag, and the project has its {} already; retire one",
                            tenant.max_flags
                        ),
                    ));
                }
            }
            self.keep_flag(flag);
        }
        Ok(())
    }

    fn has_place(&mut self, flag: &'a str) -> bool {
        *self.flag(flag) == flag
    }

    fn keep_flag(&mut self, flag: &'a str) {
        *self.flag(flag) = flag;
    }

    /// Keys of one project mostly differ in their length or their end.
    fn flag(&mut self, flag: &str) -> &mut &'a str {
        let end = flag.as_bytes().last().copied().map_or(0, usize::from);
        &mut self.flags[(end ^ flag.len()) % KNOWN_FLAGS]
    }

    fn library(&mut self, tenant: &Tenant, own: &'a str, of_request: &'a str) -> &'a str {
        if own.is_empty() {
            return of_request;
        }
        if own != self.library.0 {
            self.library = (own, tenant.libraries.admit(own));
        }
        self.library.1
    }
}
