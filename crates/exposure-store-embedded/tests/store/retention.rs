//! Stored events go when their time is over, and nothing that they stand for changes.

use std::path::Path;
use std::time::Duration;

use exposure_core::{
    Admitted, DeviceId, DeviceLinks, Effect, Effects, FlagKey, Ids, InsertId, Kind, Links, Notes,
    Ownership, RawId, Registers, SeenTable, Subject, Timestamp, UserId, Variant,
};
use exposure_store::{
    Batch, Committed, EventFilter, KeyId, Origin, ProjectId, ScanCursor, Store, StoredEvent,
};
use exposure_store_embedded::log::Durability;
use exposure_store_embedded::{Compared, EmbeddedStore, Options, verify};
use futures::executor::block_on;
use proptest::prelude::*;

pub(crate) const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
pub(crate) const PROJECT: ProjectId = ProjectId(1);
pub(crate) const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

pub(crate) fn at(micros: i64) -> Timestamp {
    START.plus_micros(micros)
}

/// A store that keeps events for an hour.
struct Bench {
    dir: tempfile::TempDir,
    store: EmbeddedStore,
    now: i64,
}

fn open(dir: &Path, now: i64) -> EmbeddedStore {
    open_keeping(dir, now, Duration::from_hours(1))
}

fn open_keeping(dir: &Path, now: i64, retention: Duration) -> EmbeddedStore {
    let mut options = Options::new(dir);
    options.retention = retention;
    options.durability = Durability::None;
    options.segment_bytes = 1 << 20;
    options.feed_keeps = 0;
    EmbeddedStore::open(options, at(now)).unwrap()
}

pub(crate) type Ids2<'a> = (Option<&'a str>, Option<&'a str>);

pub(crate) fn event<'a>(
    ids: Ids2<'a>,
    what: Option<(&'a str, Option<&'a str>)>,
    time: i64,
) -> Admitted<'a> {
    let ids = match ids {
        (Some(user), Some(device)) => Ids::Both(UserId::trusted(user), DeviceId::trusted(device)),
        (Some(user), None) => Ids::User(UserId::trusted(user)),
        (None, device) => Ids::Device(DeviceId::trusted(device.unwrap())),
    };
    let subject = match what {
        Some((flag, variant)) => Subject::Exposure {
            kind: Kind::Exposure,
            flag: FlagKey::trusted(flag),
            variant: variant.map(Variant::trusted),
            experiment_key: None,
            writes: true,
        },
        None => Subject::Plain(Kind::Identify),
    };
    Admitted {
        ids,
        time: at(time),
        sequence: 0,
        insert_id: None::<InsertId<'_>>,
        subject,
        extra: Vec::new(),
        payload: &[],
        notes: Notes::default(),
        library: "",
    }
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), 0);
        Self { dir, store, now: 0 }
    }

    /// Commits an event that came in now, received when the caller says.
    fn commit_received(&self, event: Admitted<'_>, received: i64) -> Committed {
        let origin =
            Origin { project: PROJECT, key: KeyId(1), received: at(received), now: at(self.now) };
        let batch = Batch { origin, events: &[event], rejects: &[] };
        block_on(self.store.commit(&batch)).unwrap().remove(0)
    }

    fn commit(&self, ids: Ids2<'_>, what: Option<(&str, Option<&str>)>, time: i64) -> Committed {
        self.commit_received(event(ids, what, time), self.now)
    }

    /// Lets time pass, of which the store learns by an event that touches nobody else.
    fn pass(&mut self, micros: i64) {
        self.now += micros;
        self.commit((Some("clock"), None), None, self.now);
        self.store.settle().unwrap();
    }

    fn reopen(&mut self) {
        let next = tempfile::tempdir().unwrap();
        let spare = open(next.path(), 0);
        drop(std::mem::replace(&mut self.store, spare));
        self.store = open(self.dir.path(), self.now);
    }

    fn hash(&self) -> exposure_store::StateHash {
        block_on(self.store.state_hash()).unwrap()
    }

    fn history(&self, id: RawId<'_>) -> Vec<StoredEvent> {
        block_on(self.store.history(PROJECT, id)).unwrap()
    }

    fn n_events(&self) -> u64 {
        n_events(&self.store)
    }

    fn scanned(&self) -> Vec<StoredEvent> {
        scanned(&self.store)
    }

    fn resolved(&self, id: RawId<'_>) -> (Registers, SeenTable) {
        resolved(&self.store, id)
    }

    fn variant(&self, id: RawId<'_>, flag: &str) -> Option<String> {
        self.resolved(id).0.get(flag).and_then(|register| register.variant()).map(Into::into)
    }
}

/// What a profile has, owners resolved as the rules say.
pub(crate) fn resolved(store: &EmbeddedStore, id: RawId<'_>) -> (Registers, SeenTable) {
    let Some(state) = block_on(store.profile(PROJECT, id)).unwrap() else {
        return Default::default();
    };
    let (mut registers, mut seen) = state.own();
    let RawId::User(user) = id else { return (registers, seen) };
    for device in &state.devices {
        let id = RawId::Device(device);
        let state = block_on(store.profile(PROJECT, id)).unwrap().unwrap();
        if state.links == DeviceLinks::Shared {
            continue;
        }
        let mut links = Links::default();
        for link in block_on(store.links(PROJECT, device)).unwrap() {
            links.add(link.time, &link.user);
        }
        let history = block_on(store.history(PROJECT, id)).unwrap();
        for event in history.iter().filter(|event| event.user.is_none()) {
            if links.owner_at(event.time, 1000) == Ownership::User(user) {
                for write in &event.writes {
                    registers.merge(&write.flag, &event.version(write));
                }
                if let Some(key) = &event.exposed {
                    seen.add(key.clone(), exposure_core::Seen::once(event.time));
                }
            }
        }
    }
    (registers, seen)
}

/// A project's stored events.
pub(crate) fn scanned(store: &EmbeddedStore) -> Vec<StoredEvent> {
    let (mut from, mut events) = (ScanCursor::default(), Vec::new());
    loop {
        let filter = EventFilter::default();
        let page = block_on(store.scan_events(PROJECT, filter, &from, 100)).unwrap();
        events.extend(page.events);
        let Some(next) = page.next else { return events };
        from = next;
    }
}

/// How many events a store counts.
pub(crate) fn n_events(store: &EmbeddedStore) -> u64 {
    store.stats().values.iter().find(|(name, _)| *name == "events").unwrap().1
}

fn bytes_of(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    files.filter(|file| file.file_name() != "MANIFEST").map(|f| f.metadata().unwrap().len()).sum()
}

#[test]
fn events_go_and_what_they_wrote_stays() {
    let mut bench = Bench::new();
    for n in 0..2000 {
        let (user, device) = (format!("u{}", n % 50), format!("d{}", n % 70));
        let ids = if n % 3 == 0 { (None, Some(&*device)) } else { (Some(&*user), None) };
        bench.commit(ids, Some(("f", Some(if n % 2 == 0 { "a" } else { "b" }))), n);
    }
    bench.store.settle().unwrap();
    let (before, bytes) = (bench.n_events(), bytes_of(&bench.dir.path().join("events")));
    let look = |bench: &Bench| {
        let users = (0..50).map(|n| bench.resolved(RawId::User(&format!("u{n}"))));
        let devices = (0..70).map(|n| bench.resolved(RawId::Device(&format!("d{n}"))));
        users.chain(devices).collect::<Vec<_>>()
    };
    let was = look(&bench);
    assert_eq!(before, 2000);
    bench.pass(2 * HOUR);
    assert_eq!(look(&bench), was);
    assert_eq!(bench.n_events(), 1, "but for the clock's");
    assert_eq!(bench.scanned().len(), 1);
    assert!(bench.history(RawId::User("u1")).is_empty());
    assert!(bytes_of(&bench.dir.path().join("events")) < bytes / 2, "the files are gone");
    let hash = bench.hash();
    bench.reopen();
    assert_eq!((look(&bench), bench.hash(), bench.n_events()), (was, hash, 1));
    let Bench { dir, store, .. } = bench;
    block_on(store.close()).unwrap();
    drop(store);
    let report = verify(dir.path()).unwrap();
    assert_eq!(
        (report.compared, report.stored_events, report.state_hash),
        (Compared::Sum, 1, hash)
    );
}

#[test]
fn a_late_link_moves_what_is_stored_and_not_what_is_folded() {
    let mut bench = Bench::new();
    bench.commit((None, Some("old")), Some(("f", Some("a"))), 1);
    bench.pass(HOUR / 2);
    bench.commit((None, Some("young")), Some(("f", Some("b"))), HOUR / 2);
    bench.commit((None, Some("old")), Some(("g", Some("c"))), HOUR / 2);
    bench.pass(HOUR * 3 / 4);
    assert!(bench.history(RawId::Device("old")).len() == 1, "one is folded, one is stored");
    bench.commit((Some("u"), Some("old")), None, 2);
    bench.commit((Some("u"), Some("young")), None, 2);
    let check = |bench: &Bench| {
        assert_eq!(bench.variant(RawId::User("u"), "f").as_deref(), Some("b"));
        assert_eq!(bench.variant(RawId::User("u"), "g").as_deref(), Some("c"));
        assert_eq!(bench.variant(RawId::Device("old"), "f").as_deref(), Some("a"));
        assert_eq!(bench.variant(RawId::Device("old"), "g"), None);
        assert_eq!(bench.variant(RawId::Device("young"), "f"), None);
    };
    check(&bench);
    bench.pass(5 * HOUR);
    check(&bench);
    bench.reopen();
    check(&bench);
}

#[test]
fn a_device_of_several_users_is_folded_into_each() {
    let mut bench = Bench::new();
    bench.commit((None, Some("d")), Some(("f", Some("past"))), 1);
    bench.commit((Some("ann"), Some("d")), None, 10);
    bench.commit((None, Some("d")), Some(("f", Some("anns"))), 20);
    bench.commit((Some("bob"), Some("d")), None, 30);
    bench.commit((None, Some("d")), Some(("f", Some("bobs"))), 40);
    bench.pass(2 * HOUR);
    let check = |bench: &Bench| {
        assert_eq!(bench.variant(RawId::User("ann"), "f").as_deref(), Some("anns"));
        assert_eq!(bench.variant(RawId::User("bob"), "f").as_deref(), Some("bobs"));
        assert!(bench.history(RawId::Device("d")).is_empty());
    };
    check(&bench);
    // The first login is past retention, and decides all the same.
    bench.commit((None, Some("d")), Some(("g", Some("x"))), 25);
    assert_eq!(bench.variant(RawId::User("ann"), "g").as_deref(), Some("x"));
    assert_eq!(bench.variant(RawId::User("bob"), "g"), None);
    // A third user takes what is stored, and nothing of what is folded.
    bench.commit((Some("eve"), Some("d")), None, 15);
    assert_eq!(bench.variant(RawId::User("eve"), "g").as_deref(), Some("x"));
    assert_eq!(bench.variant(RawId::User("eve"), "f"), None);
    check_not_moved(&bench);
    bench.reopen();
    check_not_moved(&bench);
}

fn check_not_moved(bench: &Bench) {
    assert_eq!(bench.variant(RawId::User("ann"), "f").as_deref(), Some("anns"));
    assert_eq!(bench.variant(RawId::User("bob"), "f").as_deref(), Some("bobs"));
}

#[test]
fn writes_are_judged_by_folded_ones_too() {
    let mut bench = Bench::new();
    bench.commit((None, Some("d")), Some(("f", Some("a"))), 10);
    bench.pass(2 * HOUR);
    bench.reopen();
    let write = |variant, time| bench.commit((None, Some("d")), Some(("f", variant)), time);
    let is = |effect| Committed::Merged(Effects::One(effect));
    assert_eq!(write(Some("b"), 5), is(Effect::Stale));
    assert_eq!(write(Some("a"), 20), is(Effect::Same));
    assert_eq!(write(Some("b"), 15), is(Effect::Stale));
    assert_eq!(write(None, 30), is(Effect::Unset));
}

#[test]
fn an_import_is_kept_from_when_it_came_in() {
    let mut bench = Bench::new();
    bench.pass(10 * HOUR);
    let before = bench.n_events();
    bench.commit_received(event((Some("u"), None), Some(("f", Some("a"))), 1), 2);
    bench.store.settle().unwrap();
    assert_eq!(bench.history(RawId::User("u")).len(), 1);
    assert_eq!(bench.n_events(), before + 1);
    bench.pass(2 * HOUR);
    assert!(bench.history(RawId::User("u")).is_empty());
    assert_eq!(bench.variant(RawId::User("u"), "f").as_deref(), Some("a"));
    assert_eq!(bench.n_events(), 1);
}

#[test]
fn an_erasure_takes_what_is_folded_and_leaves_what_is_later() {
    let mut bench = Bench::new();
    bench.commit((None, Some("d")), Some(("f", Some("a"))), 10);
    bench.commit((Some("u"), Some("d")), None, 20);
    bench.commit((Some("u"), None), Some(("g", Some("b"))), 100);
    bench.pass(2 * HOUR);
    assert_eq!(bench.variant(RawId::User("u"), "f").as_deref(), Some("a"));
    assert!(block_on(bench.store.erase(PROJECT, "u", at(50))).unwrap() > 0);
    assert_eq!(bench.variant(RawId::User("u"), "f"), None);
    assert_eq!(bench.variant(RawId::User("u"), "g").as_deref(), Some("b"));
    let hash = bench.hash();
    bench.reopen();
    assert_eq!(bench.hash(), hash);
    block_on(bench.store.erase(PROJECT, "u", at(1000))).unwrap();
    assert!(bench.resolved(RawId::User("u")).0.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Any history, time passing and stores opened again in between: properties and counts of
    /// users are those of a store that keeps everything, where each device is linked in time.
    #[test]
    fn retention_changes_no_answer(
        steps in prop::collection::vec((0..5u8, 0..3usize, 0..3usize, 0..3usize), 1..40),
    ) {
        let mut bench = Bench::new();
        let dir = tempfile::tempdir().unwrap();
        let store = open_keeping(dir.path(), 0, Duration::from_secs(1 << 30));
        let mut all = Bench { dir, store, now: 0 };
        let (users, devices, flags) = (["u0", "u1", "u2"], ["d0", "d1", "d2"], ["f0", "f1", "f2"]);
        for index in 0..3 {
            let ids = (Some(users[index]), Some(devices[index]));
            bench.commit(ids, None, 0);
            all.commit(ids, None, 0);
        }
        let mut n_passed = 0;
        for (index, (what, user, device, flag)) in steps.into_iter().enumerate() {
            let write = Some((flags[flag], [Some("a"), Some("b"), None][(index + user) % 3]));
            let (ids, write) = match what {
                0 | 1 => ((None, Some(devices[device])), write),
                2 => ((Some(users[user]), None), write),
                3 => ((Some(users[user]), Some(devices[device])), write),
                _ if n_passed < 4 => {
                    n_passed += 1;
                    bench.pass(40 * MINUTE);
                    if flag == 0 {
                        bench.reopen();
                    }
                    all.now = bench.now;
                    continue;
                }
                _ => continue,
            };
            let time = bench.now + index as i64;
            let expected = all.commit(ids, write, time);
            let found = bench.commit(ids, write, time);
            // A user's register holds what its devices' folded writes left it, too.
            prop_assert!(ids.0.is_some() || found == expected);
        }
        bench.pass(90 * MINUTE);
        for id in users.map(RawId::User).into_iter().chain(devices.map(RawId::Device)) {
            prop_assert_eq!(bench.resolved(id), all.resolved(id));
        }
        prop_assert_eq!(bench.n_events(), bench.scanned().len() as u64);
        let hash = bench.hash();
        bench.reopen();
        prop_assert_eq!(bench.hash(), hash);
    }
}
