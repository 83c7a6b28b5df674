use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use exposure_core::{Body, Dialect, Incoming, Rules, Timestamp};
use tokio::time::Instant;

use crate::account::Drops;
use crate::flag_keys::FlagKeys;
use crate::member::{Entry, Failure, Lane};
use crate::outbox::{Fate, Job, Open, Outbox, Record};
use crate::stamp::Stamper;
use crate::tracker::{Decision, Ending, Hasher, Key, Place, Tracker, VariantHash, decide};
use crate::{Account, Clock, DropReason, Dropped, Exposure, Tracked, User, Variant};

/// What callers and providers' threads share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) tracker: Tracker,
    pub(crate) hasher: Hasher,
    pub(crate) flag_keys: FlagKeys,
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
        self.track_new(key, user, flag_key, variant, decision)
    }

    fn track_new(
        &self,
        key: Key,
        user: &User,
        flag_key: &str,
        variant: &Variant,
        decision: Decision<'_>,
    ) -> Tracked {
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
            flag_key: self.flag_keys.shared(flag_key),
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
        let room = match self.space(n_bytes) {
            Space::Memory(room) => Some(room),
            Space::Disk => None,
            Space::None => return refuse(DropReason::QueueFull, "as many exposures wait as may"),
        };
        let stamp = || self.stamper.stamp(self.clock.now());
        let hash = self.hasher.variant(decision);
        let Some((place, stamp)) = self.tracker.admit(key, hash, stamp) else {
            self.release(room.unwrap_or_default(), n_bytes);
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
                if lane.keeps(entry) {
                    continue;
                }
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
        place: Place,
        record: Option<Record>,
    ) -> Arc<Entry> {
        Arc::new(Entry::new(exposure, place, Instant::now(), record, self.n_required()))
    }

    /// An exposure is on stable storage: from here on it counts, and is sent.
    pub(crate) fn written(&self, job: Job, record: Record) {
        let Job { exposure, place, room, reply } = job;
        match room {
            Some(room) => {
                self.tracker.written(place);
                self.send(&self.new_entry(exposure, place, Some(record)), room);
            }
            None => self.tracker.spill(place),
        }
        answer(reply, Fate::Written);
    }

    /// An exposure could not be put on stable storage.
    pub(crate) fn unwritten(&self, job: Job, reason: DropReason) {
        let Job { exposure, place, room, reply } = job;
        match room {
            Some(room) => self.release(room, exposure.size()),
            None => self.outbox.unspill(),
        }
        if let Some(settled) = self.tracker.settle(place, Ending::Dropped(reason)) {
            self.drops.tell(&Dropped {
                reason,
                detail: "the outbox did not take it",
                count: 1 + settled.repeats,
                exposure: Some(&exposure),
                flag_key: &exposure.flag_key,
            });
        }
        answer(reply, Fate::Dropped(reason));
    }

    /// Takes up what an earlier run left in the outbox.
    pub(crate) fn recover(&self, open: Open) {
        let Open { record, exposure, is_last } = open;
        let (key, variant) = self.identity(&exposure);
        let Some(place) = self.tracker.recover(key, variant, is_last) else { return };
        let entry = self.old_entry(record, exposure, place);
        for lane in &self.lanes {
            lane.reserve_always(entry.n_bytes);
        }
        self.send(&entry, Room::all(self.lanes.len()));
    }

    /// Takes up what waited on disk alone; there is room for it.
    pub(crate) fn read_back(&self, record: Record, exposure: Exposure, room: Room) {
        let (key, variant) = self.identity(&exposure);
        let place = self.tracker.read_back(key, variant);
        self.send(&self.old_entry(record, exposure, place), room);
    }

    fn identity(&self, exposure: &Exposure) -> (Key, VariantHash) {
        let mut user = User::default();
        if let Some(user_id) = &exposure.user_id {
            user = User::new(Arc::clone(user_id));
        }
        if let Some(device_id) = &exposure.device_id {
            user = user.with_device(Arc::clone(device_id));
        }
        let key = self.hasher.key(&user, &exposure.flag_key, exposure.experiment_key.as_deref());
        let decision = exposure.variant.as_deref().map_or(Decision::Unset, Decision::Set);
        (key, self.hasher.variant(decision))
    }

    fn old_entry(&self, record: Record, exposure: Exposure, place: Place) -> Arc<Entry> {
        // How long it waited is only known by the clock, which may have been wrong.
        let age = self.clock.now().as_micros().saturating_sub(exposure.time.as_micros());
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        let now = Instant::now();
        let since = now.checked_sub(age).unwrap_or(now);
        Arc::new(Entry::new(exposure, place, since, Some(record), self.n_required()))
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
            cut_bytes: self.outbox.cut_bytes(),
            providers: self.lanes.iter().map(|lane| lane.account()).collect(),
        }
    }

    pub(crate) fn client_id(&self) -> u64 {
        self.client_id
    }

    /// Where an exposure can wait.
    fn space(&self, n_bytes: usize) -> Space {
        // Behind what waits on disk alone everything does, or that would never come.
        if 0 < self.outbox.backlog() {
            return Space::Disk;
        }
        let (room, n_required) = self.reserve(n_bytes);
        let is_enough = match self.outbox {
            Outbox::Memory => 0 < n_required,
            Outbox::Disk(_) => n_required == self.n_required(),
        };
        if is_enough {
            return Space::Memory(room);
        }
        self.release(room, n_bytes);
        if let Outbox::Disk(_) = self.outbox {
            return Space::Disk;
        }
        self.refuse_full(room);
        Space::None
    }

    /// Keeps room with each required provider, and with others that have some; or with none.
    pub(crate) fn reserve_all(&self, n_bytes: usize) -> Option<Room> {
        if self.lanes.iter().any(|lane| lane.is_required && lane.is_gone()) {
            return None;
        }
        let (room, n_required) = self.reserve(n_bytes);
        if n_required == self.n_required() {
            return Some(room);
        }
        self.release(room, n_bytes);
        None
    }

    fn n_required(&self) -> u32 {
        self.lanes.iter().filter(|lane| lane.is_required).count() as u32
    }

    /// Keeps room with each provider that has some; tells how many required ones have.
    fn reserve(&self, n_bytes: usize) -> (Room, u32) {
        let (mut room, mut n_required) = (Room::default(), 0);
        for (index, lane) in self.lanes.iter().enumerate() {
            if lane.reserve(n_bytes) {
                room.0 |= 1 << index;
                n_required += u32::from(lane.is_required);
            }
        }
        (room, n_required)
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

/// Where an exposure can wait.
enum Space {
    /// With these providers.
    Memory(Room),
    /// On disk alone, until there is room.
    Disk,
    None,
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

fn answer(reply: Option<SyncSender<Fate>>, fate: Fate) {
    if let Some(reply) = reply {
        // Whoever waits for it is there, or has panicked.
        let _ = reply.send(fate);
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
