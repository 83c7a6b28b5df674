//! The outbox on disk: what it keeps over the end of a client.

use std::fs;
use std::path::Path;
use std::time::Duration;

use exposure_client::provider::{Delivery, MemoryProvider, Reply, SendError};
use exposure_client::{
    BuildError, DropReason, ExposureClient, InMemorySource, OutboxError, Tracked, User, Variant,
};

use crate::support::{closed, off, quick, seen, user, variants};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_mins(1);

fn down() -> Reply {
    Reply::Fail(SendError::unavailable("down"))
}

fn client(source: &InMemorySource, received: &MemoryProvider, directory: &Path) -> ExposureClient {
    quick(source).provider(received.clone()).outbox(directory).build().unwrap()
}

#[test]
fn what_was_tracked_is_delivered_by_the_next_run_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    received.always(|_| Reply::TakeAndFail(SendError::unavailable("the answer was lost")));
    let first = client(&source, &received, directory.path());
    for variant in [Variant::new("a"), off(), Variant::new("b")] {
        source.set("f", variant);
        first.variant(&user(), "f");
        first.variant(&user(), "f");
    }
    let report = first.blocking().shutdown(SHORT);
    assert_eq!((report.left, report.kept), (3, 3), "{report:?}");
    let account = closed(&first);
    assert_eq!((account.tracked, account.pending, account.pending_repeats), (6, 6, 3));
    let before = seen(&received);

    received.always(|_| Reply::Take);
    let second = client(&source, &received, directory.path());
    assert_eq!(closed(&second).recovered, 3);
    assert_eq!(second.exposure(&user(), "f"), Tracked::Repeat, "it is still on its way, or sent");
    assert!(second.blocking().flush().is_complete());
    let account = closed(&second);
    assert_eq!((account.tracked, account.delivered, account.deduplicated), (4, 3, 1));
    assert_eq!(variants(&received), ["a", "-", "b"]);
    assert_eq!(seen(&received), before, "the same exposures, under the same insert ids");
    let report = second.blocking().shutdown(LONG);
    assert_eq!((report.left, report.kept), (0, 0));
    let third = client(&source, &received, directory.path());
    assert_eq!(closed(&third).recovered, 0);
}

#[test]
fn nothing_counts_before_it_is_synced() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    let client = client(&source, &received, directory.path());
    source.set("f", Variant::new("on"));
    for number in 0..200 {
        client.variant(&User::new(format!("u{number}")), "f");
        client.variant(&User::new(format!("u{number}")), "f");
        closed(&client);
    }
    client.blocking().synced();
    assert_eq!(closed(&client).tracked, 400);
    client.blocking().flush();
    let account = closed(&client);
    assert_eq!((account.delivered, account.deduplicated), (200, 200));
}

#[test]
fn write_through_has_it_when_the_call_returns() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    received.always(|_| down());
    let client = quick(&source)
        .provider(received.clone())
        .outbox(directory.path())
        .write_through()
        .build()
        .unwrap();
    source.set("f", Variant::new("on"));
    for number in 0..5 {
        assert_eq!(client.exposure(&User::new(format!("u{number}")), "f"), Tracked::Queued);
        assert_eq!(closed(&client).tracked, number + 1);
        let bytes: u64 = segments(directory.path()).iter().map(|file| file.len() as u64).sum();
        assert!((number + 1) * 50 < bytes, "{bytes}");
    }
}

#[test]
fn what_ended_undelivered_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    received.always(|batch| Reply::Each(batch.all(Delivery::Rejected { reason: "never".into() })));
    let client = client(&source, &received, directory.path());
    source.set("f", Variant::new("on"));
    client.variant(&user(), "f");
    let report = client.blocking().shutdown(LONG);
    assert_eq!((report.kept, report.account.dropped.get(DropReason::Rejected)), (0, 1));
}

#[test]
fn an_exposure_waits_no_longer_than_it_may_over_restarts_too() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    received.always(|_| down());
    let first = client(&source, &received, directory.path());
    source.set("f", Variant::new("on"));
    first.variant(&user(), "f");
    first.blocking().shutdown(SHORT);
    std::thread::sleep(SHORT);
    let second = quick(&source)
        .provider(received.clone())
        .outbox(directory.path())
        .max_age(SHORT)
        .build()
        .unwrap();
    let report = second.blocking().shutdown(LONG);
    assert_eq!(report.account.dropped.get(DropReason::Expired), 1, "{report:?}");
    assert_eq!(report.kept, 0);
}

#[test]
fn what_was_delivered_is_remembered_if_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    let build = || {
        let builder = quick(&source).provider(received.clone()).outbox(directory.path());
        builder.remember_over_restarts().build().unwrap()
    };
    source.set("f", Variant::new("on"));
    let users: Vec<User> = (0..100).map(|number| User::new(format!("u{number}"))).collect();
    let first = build();
    for user in &users {
        assert_eq!(first.exposure(user, "f"), Tracked::Queued);
    }
    assert!(first.blocking().shutdown(LONG).is_complete());
    let second = build();
    for user in &users {
        assert_eq!(second.exposure(user, "f"), Tracked::Repeat);
    }
    source.set("f", Variant::new("other"));
    assert_eq!(second.exposure(&users[0], "f"), Tracked::Queued);
    assert!(second.blocking().shutdown(LONG).is_complete());
    // A file that does not read is none: what it said is sent once more.
    let path = directory.path().join("delivered");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let third = build();
    assert_eq!(third.exposure(&users[1], "f"), Tracked::Queued);
    assert!(!path.exists(), "it is true until the client is built");
}

#[test]
fn a_torn_end_is_cut_and_reported() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    received.always(|_| down());
    let first = client(&source, &received, directory.path());
    source.set("f", Variant::new("on"));
    first.variant(&user(), "f");
    first.blocking().shutdown(SHORT);
    let path = directory.path().join("0000000000000000.outbox");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"XGrp\x10\0\0\0 what a crash left");
    fs::write(&path, &bytes).unwrap();
    received.always(|_| Reply::Take);
    let second = client(&source, &received, directory.path());
    let account = closed(&second);
    assert_eq!((account.recovered, account.cut_bytes), (1, 26));
    second.blocking().flush();
    assert_eq!(variants(&received), ["on"]);
}

#[test]
fn damage_is_an_error_and_nothing_is_sent_or_changed() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    received.always(|_| down());
    let first = client(&source, &received, directory.path());
    source.set("f", Variant::new("on"));
    first.variant(&user(), "f");
    first.blocking().shutdown(SHORT);
    let path = directory.path().join("0000000000000000.outbox");
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let built = quick(&source).provider(received.clone()).outbox(directory.path()).build();
    match built {
        Err(BuildError::Outbox(OutboxError::Damaged { path: named, offset: 16 })) => {
            assert_eq!(named, path);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_directory_belongs_to_one_client() {
    let directory = tempfile::tempdir().unwrap();
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    let first = client(&source, &received, directory.path());
    let build = || quick(&source).provider(received.clone()).outbox(directory.path()).build();
    assert!(matches!(build(), Err(BuildError::Outbox(OutboxError::InUse(_)))));
    first.blocking().shutdown(LONG);
    let second = build().unwrap();
    // Dropped without a shutdown it lets go as well, a moment later.
    drop(second);
    let mut built = build();
    for _ in 0..1000 {
        if built.is_ok() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        built = build();
    }
    built.unwrap();
}

fn segments(directory: &Path) -> Vec<Vec<u8>> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some());
    paths.map(|path| fs::read(path).unwrap()).collect()
}
