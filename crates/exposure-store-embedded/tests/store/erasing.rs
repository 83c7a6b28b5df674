//! Rows of erased users leave the files of events soon, and nothing forgets that they must.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exposure_core::RawId;
use exposure_store::{Batch, KeyId, Origin, Store};
use exposure_store_embedded::disk::{Fault, FaultyDisk, Op, RealDisk, Saboteur};
use exposure_store_embedded::{EmbeddedStore, Options};
use futures::executor::block_on;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::retention::{Ids2, PROJECT, START, at, event};

const SHARED: &str = "shared device";
/// What `commit_all` commits, and what of it is left without `u1`, as user and device of rows.
const EVENTS: [Ids2<'static>; 7] = [
    (Some("u1"), None),
    (Some("u1"), Some("own device")),
    (None, Some("own device")),
    (Some("u1"), Some(SHARED)),
    (Some("u2"), Some(SHARED)),
    (None, Some(SHARED)),
    (Some("u3"), None),
];

fn options(dir: &Path, convert_every: Duration) -> Options {
    let mut options = Options::new(dir);
    options.segment_bytes = 1 << 20;
    options.feed_keeps = 0;
    options.convert_every = convert_every;
    options
}

/// Turns log into files at once, in the background.
fn eager(dir: &Path) -> Options {
    options(dir, Duration::from_millis(10))
}

/// Turns nothing into files on its own.
fn lazy(dir: &Path) -> Options {
    options(dir, Duration::from_hours(1))
}

fn commit(store: &EmbeddedStore, ids: Ids2<'_>, time: i64) {
    let origin = Origin { project: PROJECT, key: KeyId(1), received: at(time), now: at(time) };
    let events = [event(ids, Some(("flag", Some("on"))), time)];
    block_on(store.commit(&Batch { origin, events: &events, rejects: &[] })).unwrap();
}

/// Commits everything, and puts it into files of events and links.
fn commit_all(store: &EmbeddedStore) {
    for (time, ids) in EVENTS.into_iter().enumerate() {
        commit(store, ids, time as i64);
    }
    store.settle().unwrap();
}

fn erase(store: &EmbeddedStore) {
    block_on(store.erase(PROJECT, "u1", at(1000))).unwrap();
}

type Named = (String, String);

/// Whom the rows of a table name, as any other program reads them.
fn named(dir: &Path, table: &str) -> BTreeSet<Named> {
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(dir.join(table)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "parquet") {
            continue;
        }
        // It may be replaced meanwhile; what replaces it is found at the next look.
        let Ok(file) = File::open(&path) else { continue };
        let reader = SerializedFileReader::new(file).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            let text = |name: &str| {
                let field = row.get_column_iter().find(|(column, _)| *column == name);
                match field {
                    Some((_, Field::Str(text))) => text.clone(),
                    Some((_, Field::Null)) => String::new(),
                    other => panic!("{name}: {other:?}"),
                }
            };
            named.insert((text("user_id"), text("device_id")));
        }
    }
    named
}

fn of(ids: &[Ids2<'_>]) -> BTreeSet<Named> {
    let text = |id: Option<&str>| id.unwrap_or_default().to_owned();
    ids.iter().map(|&(user, device)| (text(user), text(device))).collect()
}

fn check_all_there(dir: &Path) {
    assert_eq!(named(dir, "events"), of(&EVENTS));
    assert_eq!(named(dir, "links"), of(&[EVENTS[1], EVENTS[3], EVENTS[4]]));
}

fn is_purged(dir: &Path) -> bool {
    let no_other_file = || {
        let files = ["events", "links"].map(|table| std::fs::read_dir(dir.join(table)).unwrap());
        files.into_iter().flatten().all(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.ends_with(".parquet") || name == "MANIFEST"
        })
    };
    named(dir, "events") == of(&EVENTS[4..])
        && named(dir, "links") == of(&[EVENTS[4]])
        && no_other_file()
}

/// Waits for what goes on behind the store.
fn wait_until(dir: &Path, is_so: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("there are {:?} {:?}", named(dir, "events"), named(dir, "links"));
}

fn wait_until_purged(dir: &Path) {
    wait_until(dir, || is_purged(dir));
}

#[test]
fn erased_rows_leave_the_files_in_the_background() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(eager(dir.path()), START).unwrap();
    commit_all(&store);
    check_all_there(dir.path());
    erase(&store);
    wait_until_purged(dir.path());
    // Who comes back is somebody new, and stays.
    commit(&store, (Some("u1"), None), 2000);
    store.settle().unwrap();
    // A merge may replace files between the listing and the opening of one.
    wait_until(dir.path(), || named(dir.path(), "events").contains(&("u1".into(), String::new())));
    assert_eq!(block_on(store.history(PROJECT, RawId::User("u1"))).unwrap().len(), 1);
    drop(store);
    let store = EmbeddedStore::open(eager(dir.path()), START).unwrap();
    store.settle().unwrap();
    assert_eq!(block_on(store.history(PROJECT, RawId::User("u1"))).unwrap().len(), 1);
}

#[test]
fn an_erasure_is_purged_by_the_store_that_is_opened_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(lazy(dir.path()), START).unwrap();
    commit_all(&store);
    erase(&store);
    drop(store);
    check_all_there(dir.path());
    let _store = EmbeddedStore::open(eager(dir.path()), START).unwrap();
    wait_until_purged(dir.path());
}

/// Lets nobody read the files of events while it is armed.
#[derive(Debug, Default)]
struct Unreadable(AtomicBool);

impl Saboteur for Unreadable {
    fn strike(&self, op: Op, path: &Path) -> Option<Fault> {
        let is_event = path.parent().is_some_and(|dir| dir.ends_with("events"));
        (op == Op::Read && is_event && self.0.load(Ordering::SeqCst)).then_some(Fault::Io)
    }
}

/// The checkpoint is ahead of the erasure then, so that nothing replays it.
#[test]
fn an_erasure_below_the_checkpoint_is_purged_too() {
    let dir = tempfile::tempdir().unwrap();
    let saboteur = Arc::new(Unreadable::default());
    let disk = FaultyDisk::with_saboteur(Arc::new(RealDisk), Arc::<Unreadable>::clone(&saboteur));
    let store = EmbeddedStore::open_on(Arc::new(disk), lazy(dir.path()), START).unwrap();
    commit_all(&store);
    erase(&store);
    saboteur.0.store(true, Ordering::SeqCst);
    store.settle().unwrap_err();
    drop(store);
    check_all_there(dir.path());
    let store = EmbeddedStore::open(lazy(dir.path()), START).unwrap();
    store.settle().unwrap();
    assert!(is_purged(dir.path()));
}

#[test]
fn an_erasure_keeps_no_log_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(lazy(dir.path()), START).unwrap();
    commit_all(&store);
    erase(&store);
    let erased_at = position(&store, "log_durable_bytes");
    let mut time = 2000;
    while position(&store, "log_durable_bytes") < erased_at + (2 << 20) {
        let origin = Origin { project: PROJECT, key: KeyId(1), received: at(time), now: at(time) };
        let events: Vec<_> = (0..1000)
            .map(|n| event((Some("u3"), None), Some(("flag", Some("on"))), time + n))
            .collect();
        block_on(store.commit(&Batch { origin, events: &events, rejects: &[] })).unwrap();
        time += 1000;
    }
    store.settle().unwrap();
    assert!(erased_at < position(&store, "log_start_bytes"));
}

fn position(store: &EmbeddedStore, name: &str) -> u64 {
    let stats = store.stats();
    stats.values.iter().find(|(stat, _)| *stat == name).unwrap().1
}
