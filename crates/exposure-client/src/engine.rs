use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use exposure_core::{Body, Dialect, Incoming, Rules, Timestamp};
use tokio::time::Instant;

use crate::account::Drops;
use crate::member::{Entry, Failure, Lane};
use crate::outbox::Outbox;
use crate::stamp::Stamper;
use crate::tracker::{Decision, Ending, Hasher, Tracker, decide};
use crate::{Account, Clock, DropReason, Dropped, Exposure, Tracked, User, Variant};

/// What callers and providers' threads share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) tracker: Tracker,
    pub(crate) hasher: Hasher,
    pub(crate) stamper: Stamper,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) drops: Drops,
    pub(crate) lanes: Box<[Arc<Lane>]>,
    pub(crate) outbox: Outbox,
    pub(crate) client_id: u64,
    pub(crate) is_closed: AtomicBool,
}

impl Engine {
    /// Tracks an evaluation. Identity is what `user` says now.
    pub(crate) fn track(&self, user: &User, flag_key: &str, variant: Option<&Variant>) -> Tracked {
        let decision = decide(variant);
        let Some(variant) = variant.filter(|_| decision != Decision::Nothing) else {
            return Tracked::Nothing;
        };
        let key = self.hasher.key(user, flag_key, variant.experiment_key());
        if self.tracker.repeat(key, self.hasher.variant(decision)) {
            return Tracked::Repeat;
        }
        self.track_new(user, flag_key, variant, decision)
    }

    fn track_new(
        &self,
        user: &User,
        flag_key: &str,
        variant: &Variant,
        decision: Decision<'_>,
    ) -> Tracked {
        let key = self.hasher.key(user, flag_key, variant.experiment_key());
        let refuse = |reason, detail: &str| {
            self.tracker.refuse(key, reason);
            self.drops.tell(&Dropped { reason, detail, count: 1, exposure: None, flag_key });
            Tracked::Dropped(reason)
        };
        if self.is_closed.load(Ordering::Acquire) {
            return refuse(DropReason::Closed, "the client is shut down");
        }
        if let Err(rejection) = check(user, flag_key, variant, decision) {
            return refuse(DropReason::Invalid, &rejection);
        }
        let exposure = Exposure {
            user_id: user.shared_user_id(),
            device_id: user.shared_device_id(),
            flag_key: flag_key.into(),
            variant: match decision {
                Decision::Set(_) => variant.tracked().cloned(),
                Decision::Unset | Decision::Nothing => None,
            },
            experiment_key: variant.shared_experiment_key().cloned(),
            metadata: variant.metadata().cloned(),
            insert_id: crate::InsertId::from_u128(0),
            time: Timestamp::from_micros(0),
            sequence: 0,
        };
        let n_bytes = exposure.size();
        let (room, has_required) = self.reserve(n_bytes);
        if !has_required {
            self.release(room, n_bytes);
            self.refuse_full(room);
            return refuse(DropReason::QueueFull, "as many exposures wait as may");
        }
        let stamp = || self.stamper.stamp(self.clock.now());
        let hash = self.hasher.variant(decision);
        let Some((place, stamp)) = self.tracker.admit(key, hash, stamp) else {
            self.release(room, n_bytes);
            return Tracked::Repeat;
        };
        let exposure = Exposure {
            insert_id: stamp.insert_id,
            time: stamp.time,
            sequence: stamp.sequence,
            ..exposure
        };
        self.outbox.queue(self, exposure, place, room)
    }

    /// Hands an entry to the providers that have room for it.
    pub(crate) fn send(&self, entry: &Arc<Entry>, room: Room) {
        self.refuse_full(room);
        for (index, lane) in self.lanes.iter().enumerate() {
            if !room.has(index) {
                let failure = Failure::new(DropReason::QueueFull, "as many exposures wait as may");
                self.ended(lane, entry, Some(failure));
            } else if !lane.push(entry) {
                let failure = Failure::new(DropReason::Closed, "the client is shut down");
                self.ended(lane, entry, Some(failure));
            }
        }
    }

    /// A provider has ended an entry; the last required one settles it.
    pub(crate) fn ended(&self, lane: &Lane, entry: &Entry, failure: Option<Failure>) {
        if lane.is_required && entry.ended(failure) {
            self.settle(entry);
        }
    }

    fn settle(&self, entry: &Entry) {
        let failure = entry.failure();
        let ending =
            failure.as_ref().map_or(Ending::Delivered, |failure| Ending::Dropped(failure.reason));
        let settled = self.tracker.settle(entry.place, ending);
        self.outbox.done(entry);
        if let (Some(settled), Some(failure)) = (settled, failure) {
            self.drops.tell(&Dropped {
                reason: failure.reason,
                detail: &failure.detail,
                count: 1 + settled.repeats,
                exposure: Some(&entry.exposure),
                flag_key: &entry.exposure.flag_key,
            });
        }
    }

    pub(crate) fn new_entry(
        &self,
        exposure: Exposure,
        place: crate::tracker::Place,
        record: Option<crate::outbox::Record>,
    ) -> Arc<Entry> {
        let n_required = self.lanes.iter().filter(|lane| lane.is_required).count() as u32;
        Arc::new(Entry::new(exposure, place, Instant::now(), record, n_required))
    }

    pub(crate) fn account(&self) -> Account {
        let counts = self.tracker.counts();
        Account {
            tracked: counts.tracked,
            recovered: counts.recovered,
            delivered: counts.delivered,
            deduplicated: counts.deduplicated,
            dropped: counts.dropped,
            pending: counts.pending,
            pending_repeats: counts.pending_repeats,
            providers: self.lanes.iter().map(|lane| lane.account()).collect(),
        }
    }

    pub(crate) fn client_id(&self) -> u64 {
        self.client_id
    }

    /// Keeps room with each provider that has some; tells whether a required one has.
    fn reserve(&self, n_bytes: usize) -> (Room, bool) {
        let (mut room, mut has_required) = (Room::default(), false);
        for (index, lane) in self.lanes.iter().enumerate() {
            if lane.reserve(n_bytes) {
                room.0 |= 1 << index;
                has_required |= lane.is_required;
            }
        }
        (room, has_required)
    }

    pub(crate) fn release(&self, room: Room, n_bytes: usize) {
        for (index, lane) in self.lanes.iter().enumerate() {
            if room.has(index) {
                lane.release(n_bytes);
            }
        }
    }

    fn refuse_full(&self, room: Room) {
        for (index, lane) in self.lanes.iter().enumerate() {
            if !room.has(index) {
                lane.refuse(DropReason::QueueFull);
            }
        }
    }
}

/// The providers that have room: bits by their order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room(u64);

impl Room {
    /// More providers than bits are refused when a client is built.
    pub(crate) const MOST: usize = 64;

    /// Room with the first `n` providers.
    pub(crate) fn all(n: usize) -> Self {
        Self(u64::MAX.checked_shr(Self::MOST as u32 - n as u32).unwrap_or(0))
    }

    fn has(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }
}

/// Checks by the rules that the server has, so that what it would refuse is known at once.
fn check(
    user: &User,
    flag_key: &str,
    variant: &Variant,
    decision: Decision<'_>,
) -> Result<(), String> {
    let set = match decision {
        Decision::Set(variant) => Some(variant),
        Decision::Unset | Decision::Nothing => None,
    };
    let incoming = Incoming {
        user_id: user.user_id(),
        device_id: user.device_id(),
        body: Body::Exposure(exposure_core::Exposure {
            flag_key: Some(flag_key),
            variant: set,
            experiment_key: variant.experiment_key(),
            // Metadata was checked when it was made.
            ..exposure_core::Exposure::default()
        }),
        ..Incoming::default()
    };
    let rules = Rules::new(Dialect::Native, Timestamp::from_micros(0));
    match exposure_core::admit(&incoming, &rules) {
        Ok(_) => Ok(()),
        Err(rejection) => Err(rejection.to_string()),
    }
}
