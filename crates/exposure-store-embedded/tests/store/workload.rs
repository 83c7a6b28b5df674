//! A small script of commits, checkpoints and reopenings, and what it must leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use exposure_core::{
    Admitted, DeviceId, FlagKey, Ids, InsertId, Kind, Notes, RawId, Subject, Timestamp, UserId,
    Variant,
};
use exposure_store::memory::MemoryStore;
use exposure_store::{
    Batch, Committed, Document, Error, KeyId, Origin, ProjectId, Result, Store, StoredEvent,
};
use exposure_store_embedded::disk::Disk;
use exposure_store_embedded::{EmbeddedStore, Options};
use futures::executor::block_on;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
pub(crate) const PROJECT: ProjectId = ProjectId(1);
/// Somebody of whom the first commit alone speaks.
pub(crate) const STEADY: &str = "steady";
/// Events of the script.
pub(crate) const N_EVENTS: usize = 48;
const N_STEADY: usize = 2;
const N_USERS: usize = 5;
const N_DEVICES: usize = 3;

/// Opens a small store.
pub(crate) fn open(disk: &(impl Disk + Clone)) -> Result<EmbeddedStore> {
    EmbeddedStore::open_on(Arc::new(disk.clone()), options(Path::new("data")), NOW)
}

/// Settings under which little data makes much happen.
pub(crate) fn options(dir: &Path) -> Options {
    let mut options = Options::new(dir);
    options.segment_bytes = 4 << 10;
    options.feed_keeps = 0;
    options.window.generation_ids = 1 << 10;
    options.window.resident_max_ids = 1 << 10;
    options.window.unflushed_max_ids = 1 << 12;
    options
}

/// An event of the script, told by its sequence.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub number: usize,
    user: Option<String>,
    device: Option<String>,
    variant: Option<String>,
    insert_id: Option<String>,
}

/// The events of the script: users and devices, sets and unsets, with and without an insert id.
pub(crate) fn events() -> Vec<Event> {
    let event = |number: usize| Event {
        number,
        user: match number {
            n if n < N_STEADY => Some(STEADY.into()),
            n => (n % 4 != 3).then(|| format!("user-{}", n % N_USERS)),
        },
        device: (number >= N_STEADY && number % 4 > 1)
            .then(|| format!("device-{}", number % N_DEVICES)),
        variant: (number % 7 != 6).then(|| format!("v{}", number % 3)),
        insert_id: (number % 3 != 2).then(|| format!("insert-{number}")),
    };
    (0..N_EVENTS).map(event).collect()
}

impl Event {
    pub(crate) fn has_insert_id(&self) -> bool {
        self.insert_id.is_some()
    }

    fn admitted(&self) -> Admitted<'_> {
        let user = self.user.as_deref().map(UserId::trusted);
        let device = self.device.as_deref().map(DeviceId::trusted);
        Admitted {
            ids: match (user, device) {
                (Some(user), Some(device)) => Ids::Both(user, device),
                (Some(user), None) => Ids::User(user),
                (None, Some(device)) => Ids::Device(device),
                (None, None) => unreachable!("each names somebody"),
            },
            // Not in the order of their arrival.
            time: NOW.plus_micros((self.number as i64 * 17) % 23 - 30),
            sequence: self.number as i64,
            insert_id: self.insert_id.as_deref().map(InsertId::trusted),
            subject: Subject::Exposure {
                kind: Kind::Exposure,
                flag: FlagKey::trusted(["a", "b"][self.number % 2]),
                variant: self.variant.as_deref().map(Variant::trusted),
                experiment_key: None,
                writes: true,
            },
            extra: Vec::new(),
            payload: b"{\"page\":\"start\"}",
            notes: Notes::default(),
            library: "script",
        }
    }
}

/// Commits events to any store.
pub(crate) fn commit<'e>(
    store: &dyn Store,
    events: impl IntoIterator<Item = &'e Event>,
) -> Result<Vec<Committed>> {
    let events: Vec<_> = events.into_iter().map(Event::admitted).collect();
    let origin = Origin { project: PROJECT, key: KeyId(1), received: NOW, now: NOW };
    block_on(store.commit(&Batch { origin, events: &events, rejects: &[] }))
}

/// What became of the script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// Events that were acknowledged, as merged or as duplicates.
    pub acknowledged: BTreeSet<usize>,
    pub sent: BTreeSet<usize>,
    pub document_acknowledged: bool,
    /// What failed, by step.
    pub failures: Vec<(&'static str, Error)>,
}

/// A part of the script: a store is opened, used and closed or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Makes the store, writes its first checkpoint, and drops it.
    First,
    /// Opens what was dropped, replaces the checkpoint, and closes.
    Second,
    /// Opens what was closed, and drops it.
    Third,
}

impl Phase {
    pub(crate) const ALL: [Self; 3] = [Self::First, Self::Second, Self::Third];
}

impl Run {
    /// Runs the script on a disk that may fail. `check` looks at every store that is open, after each step.
    pub(crate) fn script(
        disk: &(impl Disk + Clone),
        mut check: impl FnMut(&Self, &EmbeddedStore),
    ) -> Self {
        let mut run = Self::default();
        for phase in Phase::ALL {
            run.phase(phase, disk, &mut check);
        }
        run
    }

    /// Runs a part of the script; what came before must be on the disk.
    pub(crate) fn phase(
        &mut self,
        phase: Phase,
        disk: &(impl Disk + Clone),
        mut check: impl FnMut(&Self, &EmbeddedStore),
    ) {
        let events = events();
        let Some(store) = self.open(disk) else { return };
        let mut check = |run: &Self| check(run, &store);
        match phase {
            Phase::First => {
                self.commit(&store, &events[..6]);
                check(self);
                self.commit(&store, &events[6..14]);
                check(self);
                self.note("settle", store.settle());
                check(self);
                self.commit(&store, &events[14..24]);
                check(self);
            }
            Phase::Second => {
                // Duplicates of what a checkpoint covers, and of what it does not. Who is at rest has none.
                let is_due = |event: &&Event| event.has_insert_id() || event.number >= 24;
                let again: Vec<_> = events[N_STEADY..28].iter().filter(is_due).cloned().collect();
                self.commit(&store, &again);
                check(self);
                self.note("settle", store.settle());
                check(self);
                self.commit(&store, &events[28..36]);
                check(self);
                let document = Document {
                    name: "settings".into(),
                    version: 1,
                    bytes: b"{}".as_slice().into(),
                };
                self.document_acknowledged =
                    self.note("document", block_on(store.put_document(&document)));
                self.commit(&store, &events[36..42]);
                check(self);
                self.note("close", block_on(store.close()));
            }
            Phase::Third => {
                self.commit(&store, &events[42..]);
                check(self);
            }
        }
    }

    fn open(&mut self, disk: &(impl Disk + Clone)) -> Option<EmbeddedStore> {
        // Once more: what failed once may work now, and must not have left harm.
        for _ in 0..2 {
            match open(disk) {
                Ok(store) => return Some(store),
                Err(error) => self.failures.push(("open", error)),
            }
        }
        None
    }

    fn commit(&mut self, store: &EmbeddedStore, events: &[Event]) {
        self.sent.extend(events.iter().map(|event| event.number));
        match commit(store, events) {
            Ok(results) => {
                assert_eq!(results.len(), events.len());
                self.acknowledged.extend(events.iter().map(|event| event.number));
            }
            Err(error) => self.failures.push(("commit", error)),
        }
    }

    fn note(&mut self, step: &'static str, result: Result<()>) -> bool {
        let done = result.is_ok();
        self.failures.extend(result.err().map(|error| (step, error)));
        done
    }

    /// Acknowledged ⊆ found ⊆ sent, each once, and the state is that of what is found.
    pub(crate) fn check(&self, store: &EmbeddedStore) -> BTreeSet<usize> {
        let found = check_consistent(store).unwrap();
        assert!(self.acknowledged.is_subset(&found), "{found:02?} is found of {self:02?}");
        assert!(found.is_subset(&self.sent), "{found:02?} is found of {self:02?}");
        let documents = block_on(store.documents("")).unwrap().len();
        assert!(usize::from(self.document_acknowledged) <= documents && documents <= 1);
        found
    }

    /// Whoever got no answer sends again: then everything is there, and once.
    pub(crate) fn check_retry(&self, store: &EmbeddedStore, what: &str) {
        let before = self.check(store);
        let all = events();
        let with_id: Vec<_> = all.iter().filter(|event| event.has_insert_id()).collect();
        let results = commit(store, with_id.iter().copied()).unwrap();
        for (event, result) in with_id.iter().zip(&results) {
            let is_new = !before.contains(&event.number);
            assert_eq!(
                matches!(result, Committed::Merged(_)),
                is_new,
                "{what}: {event:?} {result:?}"
            );
        }
        let found = check_consistent(store).unwrap();
        let expected: BTreeSet<_> =
            before.into_iter().chain(with_id.iter().map(|event| event.number)).collect();
        assert_eq!(found, expected);
    }
}

/// Which events a store holds. Its state must be the one they make.
///
/// # Errors
/// What a read failed with.
pub(crate) fn check_consistent(store: &EmbeddedStore) -> Result<BTreeSet<usize>> {
    let stored = stored_events(store)?;
    let all = events();
    let mut found = BTreeSet::new();
    for event in stored.values() {
        let number = event.sequence as usize;
        assert!(found.insert(number), "{number} is there twice");
        let sent = all[number].admitted();
        assert_eq!(event.user.as_deref(), sent.ids.user().map(UserId::as_str));
        assert_eq!(event.device.as_deref(), sent.ids.device().map(DeviceId::as_str));
        assert_eq!((event.time, event.received), (sent.time, NOW));
        assert_eq!(event.insert_id.as_deref(), all[number].insert_id.as_deref());
        assert_eq!(&*event.payload, sent.payload);
        assert_eq!((event.key, &*event.library), (KeyId(1), sent.library));
    }
    let reference = MemoryStore::new();
    // In the order in which they are stored.
    commit(&reference, stored.values().map(|event| &all[event.sequence as usize])).unwrap();
    assert_eq!(block_on(store.state_hash())?, block_on(reference.state_hash()).unwrap());
    let days = |store: &dyn Store| block_on(store.usage(PROJECT, i64::MIN, i64::MAX));
    assert_eq!(days(store)?, days(&reference).unwrap());
    assert_eq!(block_on(store.flags(PROJECT))?, block_on(reference.flags(PROJECT)).unwrap());
    for id in ids() {
        let profile = |store: &dyn Store| block_on(store.profile(PROJECT, raw(&id)));
        let (ours, theirs) = (profile(store)?, profile(&reference).unwrap());
        let registers = |state: &exposure_core::ProfileState| state.registers.clone();
        assert_eq!(ours.as_ref().map(registers), theirs.as_ref().map(registers), "{id:?}");
    }
    Ok(found)
}

/// What the histories of all profiles hold, by position.
pub(crate) fn stored_events(store: &EmbeddedStore) -> Result<BTreeMap<u64, StoredEvent>> {
    let mut stored = BTreeMap::new();
    for id in ids() {
        for event in block_on(store.history(PROJECT, raw(&id)))? {
            let position = event.position;
            let before = stored.insert(position, event.clone());
            assert!(before.is_none_or(|before| before == event), "two events at {position}");
        }
    }
    Ok(stored)
}

/// Who is at rest answers whatever fails: what is durable can be read.
pub(crate) fn check_steady(store: &EmbeddedStore) {
    let profile = block_on(store.profile(PROJECT, RawId::User(STEADY))).unwrap().unwrap();
    assert_eq!(profile.registers.get("a").unwrap().variant(), Some("v0"));
    let history = block_on(store.history(PROJECT, RawId::User(STEADY))).unwrap();
    assert_eq!(history.len(), N_STEADY);
}

/// Whether it is a user, and the id.
fn ids() -> Vec<(bool, String)> {
    let users = (0..N_USERS).map(|n| (true, format!("user-{n}")));
    let devices = (0..N_DEVICES).map(|n| (false, format!("device-{n}")));
    users.chain(devices).chain([(true, STEADY.to_owned())]).collect()
}

fn raw((is_user, id): &(bool, String)) -> RawId<'_> {
    if *is_user { RawId::User(id) } else { RawId::Device(id) }
}
