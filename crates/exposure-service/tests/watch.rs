//! The change feed: cursors, waiting, erasures, bounds.
#![cfg(test)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Bench, at, drain};
use exposure_core::{ErrorCode, Owner};
use exposure_service::{
    ChangeCause, Position, ProfileRef, Settings, WatchEntry, WatchFrom, WatchItem,
};
use exposure_store::memory::{MemoryOptions, MemoryStore};
use exposure_store::suite::history::Event;
use exposure_testkit::block_on;

fn set(user: &str, variant: &str, ms: i64) -> Event {
    Event::exposure(user, "flag", Some(variant), at(ms))
}

/// Profile, variant and cause of each change.
fn told(items: &[WatchItem]) -> Vec<(String, Option<&str>, &'static str)> {
    items
        .iter()
        .map(|item| match &item.entry {
            WatchEntry::Change { profile, variant, cause, .. } => {
                (profile.to_string(), variant.as_deref(), cause.as_str())
            }
            other => panic!("not a change: {other:?}"),
        })
        .collect()
}

fn change<'v>(
    profile: &str,
    variant: Option<&'v str>,
    cause: ChangeCause,
) -> (String, Option<&'v str>, &'static str) {
    (profile.to_owned(), variant, cause.as_str())
}

#[test]
fn a_b_a_is_three_changes_and_a_repetition_is_none() {
    let bench = Bench::new();
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap();
    bench.send(&[
        set("ann", "A", 1),
        set("ann", "A", 2),
        set("ann", "B", 3),
        set("ann", "stale", 2),
        set("ann", "A", 4),
        Event::exposure("ann", "flag", None, at(5)),
        Event::exposure("ann", "flag", None, at(6)),
    ]);
    let expected = [Some("A"), Some("B"), Some("A"), None]
        .map(|variant| change("user:ann", variant, ChangeCause::Write));
    assert_eq!(told(&drain(&mut watch)), expected);
}

#[test]
fn a_login_moves_what_the_device_wrote() {
    let bench = Bench::new();
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap();
    bench.send(&[set("", "A", 1).anonymous("d1"), Event::login("ann", "d1", at(2))]);
    let expected = [
        change("device:d1", Some("A"), ChangeCause::Write),
        change("device:d1", None, ChangeCause::Link),
        change("user:ann", Some("A"), ChangeCause::Link),
    ];
    assert_eq!(told(&drain(&mut watch)), expected);
    // Later logins of the same user move nothing; one of another takes an interval over.
    bench.send(&[Event::login("ann", "d1", at(3)), set("", "B", 6).anonymous("d1")]);
    bench.send(&[Event::login("bob", "d1", at(5))]);
    let expected = [
        change("user:ann", Some("B"), ChangeCause::Write),
        change("user:ann", Some("A"), ChangeCause::Link),
        change("user:bob", Some("B"), ChangeCause::Link),
    ];
    assert_eq!(told(&drain(&mut watch)), expected);
    // Within what is known of both users' times, a link may still take an interval back.
    bench.send(&[Event::login("bob", "d1", at(9)), Event::login("ann", "d1", at(10))]);
    assert_eq!(drain(&mut watch), []);
    bench.send(&[Event::login("ann", "d1", at(6))]);
    let expected = [
        change("user:ann", Some("B"), ChangeCause::Link),
        change("user:bob", None, ChangeCause::Link),
    ];
    assert_eq!(told(&drain(&mut watch)), expected);
}

#[test]
fn a_position_of_an_answer_is_a_cursor() {
    let bench = Bench::new();
    bench.send(&[set("ann", "A", 1)]);
    let ann = ProfileRef { user_id: Some("ann"), device_id: None };
    let (_, position) = block_on(bench.handle.properties(&bench.caller, ann)).unwrap();
    bench.send(&[set("ann", "B", 2)]);
    let from = WatchFrom::Cursor(Position::from_bytes(position.into_bytes()));
    let mut watch = bench.handle.watch(&bench.caller, from).unwrap();
    let expected = [change("user:ann", Some("B"), ChangeCause::Write)];
    assert_eq!(told(&drain(&mut watch)), expected);
}

#[test]
fn a_cursor_that_is_none_or_too_old_is_refused() {
    let store = MemoryStore::with_options(MemoryOptions { feed_kept: 2, ..Default::default() });
    let bench = Bench::over(Arc::new(store), Settings::default());
    bench.send(&[set("ann", "A", 1)]);
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Beginning).unwrap();
    let cursor = drain(&mut watch)[0].cursor.clone().unwrap();
    for ms in 2..9 {
        bench.send(&[set("ann", if ms % 2 == 0 { "B" } else { "A" }, ms)]);
    }
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Cursor(cursor)).unwrap();
    let error = block_on(watch.next()).unwrap_err();
    assert_eq!(error.code, ErrorCode::CursorExpired);
    for bytes in [&b""[..], b"x", b"\x01\xff\xff\xff\xff", b"\x01\0\0\0\0\xff\0x"] {
        let from = WatchFrom::Cursor(Position::from_bytes(bytes));
        let error = bench.handle.watch(&bench.caller, from).unwrap_err();
        assert_eq!((error.code, error.field.as_deref()), (ErrorCode::Invalid, Some("cursor")));
    }
}

#[test]
fn an_erasure_is_an_entry() {
    let bench = Bench::new();
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap();
    bench.send(&[set("ann", "A", 1)]);
    assert_eq!(drain(&mut watch).len(), 1);
    bench.clock.advance(1_000_000);
    block_on(bench.handle.erase_user(&bench.caller, "ann")).unwrap();
    let entries: Vec<_> = drain(&mut watch).into_iter().map(|item| item.entry).collect();
    let ann = Owner::User("ann".into());
    assert_eq!(entries, [WatchEntry::Erased { profile: ann, until: bench.clock.now() }]);
}

#[test]
fn an_idle_watch_moves_its_cursor_now_and_then() {
    let bench =
        Bench::with(Settings { watch_progress: Duration::from_secs(10), ..Settings::default() });
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap();
    bench.send(&[set("ann", "A", 1)]);
    drain(&mut watch);
    bench.send(&[set("ann", "A", 2)]);
    assert_eq!(drain(&mut watch), [], "too early");
    bench.clock.advance(10_000_000);
    bench.send(&[set("ann", "A", 3)]);
    let items = drain(&mut watch);
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].entry, WatchEntry::Progress);
    let from = WatchFrom::Cursor(items[0].cursor.clone().unwrap());
    let mut resumed = bench.handle.watch(&bench.caller, from).unwrap();
    assert_eq!(drain(&mut resumed), []);
}

#[test]
fn a_watch_wakes_up_when_something_comes() {
    let bench = Bench::new();
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap();
    let item = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block_on(watch.next()));
        bench.send(&[set("ann", "A", 1)]);
        waiting.join().unwrap()
    });
    assert!(matches!(item.unwrap().entry, WatchEntry::Change { .. }));
}

#[test]
fn watches_are_bounded_and_give_their_place_back() {
    let bench = Bench::with(Settings { max_watches: 1, ..Settings::default() });
    let first = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap();
    let error = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    drop(first);
    assert!(bench.handle.watch(&bench.caller, WatchFrom::Now).is_ok());
}

#[test]
fn a_closed_store_ends_the_watch() {
    let bench = Bench::new();
    let mut watch = bench.handle.watch(&bench.caller, WatchFrom::Now).unwrap();
    let error = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| block_on(watch.next()));
        block_on(bench.handle.close()).unwrap();
        waiting.join().unwrap().unwrap_err()
    });
    assert_eq!(error.code, ErrorCode::Unavailable);
}
