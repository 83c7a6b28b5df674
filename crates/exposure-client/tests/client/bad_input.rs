//! What is no exposure, what is too much, and clocks that jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use exposure_client::provider::{MemoryProvider, Reply};
use exposure_client::{
    BuildError, Clock, DropReason, ExposureClient, InMemorySource, Metadata, Timestamp, Tracked,
    User, Variant,
};

use crate::support::{closed, quick, seen, simple, user, variants};

#[test]
fn what_can_be_no_exposure_is_dropped_and_counted() {
    let long = "x".repeat(1025);
    let (source, received, client) = simple();
    for flag in ["f", "", &long] {
        source.set(flag, Variant::new("on"));
    }
    source.set("long", Variant::new(&*long));
    source.set("nul", Variant::new("a\0b"));
    source.set("run", Variant::builder().key("on").experiment_key(&*long).build());
    let cases = [
        (User::default(), "f"),
        (User::new(""), "f"),
        (User::new("null"), "f"),
        (User::new("u").with_device("unknown"), "f"),
        (User::new(&*long), "f"),
        (User::new("u"), ""),
        (User::new("u"), &long),
        (User::new("u"), "long"),
        (User::new("u"), "nul"),
        (User::new("u"), "run"),
    ];
    let n_cases = cases.len() as u64;
    for (user, flag) in cases {
        let tracked = client.exposure(&user, flag);
        assert_eq!(tracked, Tracked::Dropped(DropReason::Invalid), "{user:?} {flag}");
    }
    client.blocking().flush();
    assert!(received.exposures().is_empty());
    let account = closed(&client);
    assert_eq!((account.tracked, account.dropped.get(DropReason::Invalid)), (n_cases, n_cases));
}

#[test]
fn past_its_bounds_the_client_drops_and_counts() {
    let source = InMemorySource::new();
    for (n_events, n_bytes, expected) in [(10, usize::MAX, 10), (usize::MAX, 3000, 11)] {
        let received = MemoryProvider::new();
        received.always(|_| Reply::Hang);
        let client = quick(&source)
            .provider(received.clone())
            .queue_events(n_events)
            .queue_bytes(n_bytes)
            .build()
            .unwrap();
        source.set("f", Variant::new("on"));
        for number in 100..200 {
            client.variant(&User::new(format!("{number}")), "f");
        }
        let account = closed(&client);
        assert_eq!(account.pending, expected);
        assert_eq!(account.dropped.get(DropReason::QueueFull), 100 - expected);
        assert_eq!(account.providers[0].dropped.get(DropReason::QueueFull), 100 - expected);
    }
}

#[test]
fn what_was_not_queued_is_no_last_exposure() {
    let source = InMemorySource::new();
    let received = MemoryProvider::new();
    let client = quick(&source).provider(received.clone()).queue_events(1).build().unwrap();
    source.set("f", Variant::new("a"));
    client.variant(&user(), "f");
    client.blocking().flush();
    received.then(Reply::Each(vec![]));
    client.variant(&user(), "g");
    source.set("g", Variant::new("x"));
    received.always(|_| Reply::Each(vec![]));
    client.variant(&user(), "g");
    source.set("f", Variant::new("b"));
    assert_eq!(client.exposure(&user(), "f"), Tracked::Dropped(DropReason::QueueFull));
    source.set("f", Variant::new("a"));
    assert_eq!(client.exposure(&user(), "f"), Tracked::Repeat, "the receiver has `a`");
    closed(&client);
}

#[test]
fn forgetting_is_bounded_and_harmless() {
    let source = InMemorySource::new();
    let received = MemoryProvider::new();
    let client = quick(&source).provider(received.clone()).remembered(4).build().unwrap();
    source.set("f", Variant::new("on"));
    let see = |number: u32| client.exposure(&User::new(format!("u{number}")), "f");
    for number in 0..4 {
        assert_eq!(see(number), Tracked::Queued);
    }
    assert_eq!(see(0), Tracked::Repeat);
    assert_eq!(see(9), Tracked::Queued, "it takes the place of the least recently used one");
    assert_eq!(see(0), Tracked::Repeat);
    assert_eq!(see(3), Tracked::Repeat);
    assert_eq!(see(1), Tracked::Queued);
    client.blocking().flush();
    assert_eq!(received.exposures().len(), 6);
    assert_eq!(closed(&client).pending, 0);
}

#[derive(Clone, Debug, Default)]
struct SetClock(Arc<AtomicI64>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[test]
fn a_clock_that_jumps_back_does_not_turn_the_order() {
    let clock = SetClock::default();
    let (source, received, _) = simple();
    let client = quick(&source).provider(received.clone()).clock(clock.clone()).build().unwrap();
    let minute = 60_000_000;
    for (now, variant) in [(100, "a"), (95, "b"), (96, "c"), (103, "d"), (99, "e")] {
        clock.0.store(now * minute, Ordering::SeqCst);
        source.set("f", Variant::new(variant));
        client.variant(&user(), "f");
    }
    client.blocking().flush();
    assert_eq!(variants(&received), ["a", "b", "c", "d", "e"]);
    let last = seen(&received).last().unwrap().time;
    assert_eq!(last.as_micros(), 103 * minute);
}

#[test]
fn settings_are_checked_when_built() {
    let builder = || ExposureClient::builder(InMemorySource::new());
    assert!(matches!(builder().build(), Err(BuildError::NoRequiredProvider)));
    let only = builder().best_effort(MemoryProvider::new()).build();
    assert!(matches!(only, Err(BuildError::NoRequiredProvider)));
    let twice = builder().provider(MemoryProvider::new()).provider(MemoryProvider::new()).build();
    assert!(matches!(twice, Err(BuildError::NameTaken(name)) if name == "memory"));
    let mut many = builder();
    for number in 0..65 {
        many = many.provider(MemoryProvider::named(format!("{number}")));
    }
    assert!(matches!(many.build(), Err(BuildError::TooManyProviders(65))));
    let zero = std::time::Duration::ZERO;
    let day = std::time::Duration::from_hours(24);
    let with = || builder().provider(MemoryProvider::new());
    for (name, builder) in [
        ("remembered", with().remembered(0)),
        ("queue_events", with().queue_events(0)),
        ("queue_bytes", with().queue_bytes(0)),
        ("linger", with().linger(day)),
        ("attempt_timeout", with().attempt_timeout(zero)),
        ("max_age", with().max_age(7 * day)),
        ("backoff.first", with().backoff(zero, day / 48)),
        ("backoff.most", with().backoff(day / 48, day)),
        ("breaker_threshold", with().breaker_threshold(0)),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{name}` is ")), "{error}");
    }
}

#[test]
fn metadata_is_a_json_object_of_bounded_size() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(50), "}".repeat(50));
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000));
    for wrong in ["", "[]", "1", "{", "{}x", &deep, &long] {
        let error = Metadata::from_json(wrong).unwrap_err().to_string();
        assert!(error.starts_with("metadata "), "{error}");
    }
}
