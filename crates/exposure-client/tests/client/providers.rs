//! What providers answer, and what comes of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exposure_client::provider::{BatchLimits, Delivery, MemoryProvider, Reply, SendError};
use exposure_client::{DropReason, InMemorySource, Tracked, User, Variant};

use crate::support::{closed, quick, seen, simple, user, variants};

fn retry() -> Delivery {
    Delivery::Retry { after: None }
}

fn rejected() -> Delivery {
    Delivery::Rejected { reason: "no".into() }
}

fn unavailable() -> SendError {
    SendError::unavailable("as the test wants")
}

/// Flushes until nothing is left, as a program may that cannot wait.
fn drain(client: &exposure_client::ExposureClient) {
    for _ in 0..2000 {
        if client.blocking().flush().is_complete() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("something is left: {:?}", client.account());
}

fn track(source: &InMemorySource, client: &exposure_client::ExposureClient, n_users: usize) {
    source.set("f", Variant::new("on"));
    for number in 0..n_users {
        client.variant(&User::new(format!("user-{number}")), "f");
    }
}

#[test]
fn whatever_fails_for_a_while_is_delivered_once() {
    let replies = [
        Reply::Fail(unavailable()),
        Reply::TakeAndFail(unavailable()),
        Reply::Panic,
        Reply::Each(vec![]),
        Reply::Each(vec![Delivery::Delivered, retry(), Delivery::Delivered]),
    ];
    let (source, received, client) = simple();
    for reply in replies {
        received.then(reply);
    }
    track(&source, &client, 50);
    drain(&client);
    assert_eq!(received.exposures().len(), 50);
    let account = closed(&client);
    assert_eq!((account.delivered, account.pending, account.dropped.total()), (50, 0, 0));
}

#[test]
fn a_mark_is_taken_back_with_what_it_suppressed() {
    let (source, received, client) = simple();
    source.set("f", Variant::new("on"));
    let gate = Arc::new(AtomicBool::new(false));
    let opened = Arc::clone(&gate);
    received.always(move |_| {
        if opened.load(Ordering::SeqCst) {
            Reply::Each(vec![rejected()])
        } else {
            Reply::Each(vec![])
        }
    });
    for _ in 0..10 {
        client.variant(&user(), "f");
    }
    client.blocking().flush();
    let account = closed(&client);
    assert_eq!((account.pending, account.pending_repeats, account.delivered), (10, 9, 0));
    gate.store(true, Ordering::SeqCst);
    drain(&client);
    let account = closed(&client);
    assert_eq!(account.dropped.get(DropReason::Rejected), 10);
    assert_eq!(
        account.providers[0].dropped.get(DropReason::Rejected),
        1,
        "repeats are not offered"
    );
    received.always(|_| Reply::Take);
    assert_eq!(client.exposure(&user(), "f"), Tracked::Queued, "it is an exposure again");
    assert_eq!(client.exposure(&user(), "f"), Tracked::Repeat);
    drain(&client);
    assert_eq!(variants(&received), ["on"]);
}

#[test]
fn every_required_provider_must_have_it() {
    let source = InMemorySource::new();
    let (one, other, extra) = (
        MemoryProvider::named("one"),
        MemoryProvider::named("other"),
        MemoryProvider::named("extra"),
    );
    let client = quick(&source)
        .provider(one.clone())
        .provider(other.clone())
        .best_effort(extra.clone())
        .build()
        .unwrap();
    other.always(|batch| Reply::Each(batch.all(rejected())));
    extra.always(|_| Reply::Fail(SendError::unavailable("never")));
    track(&source, &client, 3);
    client.blocking().flush();
    let account = closed(&client);
    assert_eq!((account.delivered, account.dropped.total(), account.pending), (0, 3, 0));
    let of = |name: &str| account.providers.iter().find(|one| one.name == name).unwrap();
    assert_eq!((of("one").delivered, of("other").dropped.total(), of("extra").pending), (3, 3, 3));
    other.always(|_| Reply::Take);
    track(&source, &client, 3);
    client.blocking().flush();
    assert_eq!(closed(&client).delivered, 3, "whatever the one of best effort does");
    assert_eq!((one.exposures().len(), other.exposures().len()), (6, 3));
}

#[test]
fn a_dead_provider_slows_no_other() {
    let source = InMemorySource::new();
    let (dead, alive) = (MemoryProvider::named("dead"), MemoryProvider::named("alive"));
    dead.always(|_| Reply::Hang);
    let client = quick(&source)
        .best_effort(dead.clone())
        .provider(alive.clone())
        .queue_events(10)
        .build()
        .unwrap();
    for number in 0..100 {
        source.set("f", Variant::new(format!("v{number}")));
        while client.exposure(&user(), "f") != Tracked::Queued {
            std::thread::yield_now();
        }
        while closed(&client).delivered < number + 1 {
            std::thread::yield_now();
        }
    }
    assert_eq!(alive.exposures().len(), 100);
    let account = closed(&client);
    let of_dead = &account.providers[0];
    assert_eq!((of_dead.pending, of_dead.dropped.get(DropReason::QueueFull)), (10, 90));
    assert_eq!((account.delivered, account.dropped.total()), (100, 0));
}

#[test]
fn what_panics_always_is_dropped_alone() {
    let (source, received, client) = simple();
    received.always(|batch| {
        let is_poison = |id: Option<&str>| id == Some("user-7");
        if batch.exposures().iter().any(|one| is_poison(one.user_id.as_deref())) {
            Reply::Panic
        } else {
            Reply::Take
        }
    });
    track(&source, &client, 20);
    drain(&client);
    let account = closed(&client);
    assert_eq!((account.delivered, account.dropped.get(DropReason::Panicked)), (19, 1));
    assert_eq!(received.exposures().len(), 19);
}

#[test]
fn what_is_too_large_goes_in_halves() {
    let (source, received, client) = simple();
    received.always(|batch| match batch.exposures().len() {
        0..=3 => Reply::Take,
        n => Reply::Fail(SendError::TooLarge { reason: format!("{n} are more than 3") }),
    });
    track(&source, &client, 100);
    drain(&client);
    assert_eq!(closed(&client).delivered, 100);
    received.always(|_| Reply::Fail(SendError::TooLarge { reason: "nothing fits".into() }));
    source.set("g", Variant::new("on"));
    client.variant(&user(), "g");
    drain(&client);
    assert_eq!(closed(&client).dropped.get(DropReason::Rejected), 1);
}

#[test]
fn batches_keep_to_the_limits() {
    let source = InMemorySource::new();
    let limits = BatchLimits { max_events: 7, max_bytes: 1000, in_flight: 3 };
    let received = MemoryProvider::with_limits("few", limits);
    let worst = Arc::new(Mutex::new((0, 0)));
    let seen_worst = Arc::clone(&worst);
    received.always(move |batch| {
        let n_bytes = batch.exposures().iter().map(|one| one.size()).sum::<usize>();
        let mut worst = seen_worst.lock().unwrap();
        *worst = (worst.0.max(batch.exposures().len()), worst.1.max(n_bytes));
        Reply::Take
    });
    let client = quick(&source).provider(received.clone()).build().unwrap();
    track(&source, &client, 100);
    drain(&client);
    assert_eq!(received.exposures().len(), 100);
    let (n_events, n_bytes) = *worst.lock().unwrap();
    assert!(n_events <= 7 && n_bytes <= 1000, "{n_events} events, {n_bytes} bytes");
    // A single one that is larger goes all the same.
    client.variant(&User::new("x".repeat(1024)), "f");
    drain(&client);
    assert_eq!(received.exposures().len(), 101);
}

#[test]
fn an_attempt_that_takes_too_long_is_made_again() {
    let (source, received, _) = simple();
    let client = quick(&source)
        .provider(received.clone())
        .attempt_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    received.then(Reply::Hang);
    track(&source, &client, 3);
    drain(&client);
    assert_eq!((received.exposures().len(), closed(&client).delivered), (3, 3));
}

#[test]
fn each_drop_is_told() {
    let told = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&told);
    let (source, received, _) = simple();
    let client = quick(&source)
        .provider(received.clone())
        .on_drop(move |dropped| {
            assert_eq!(dropped.flag_key, "f");
            counting.fetch_add(dropped.count, Ordering::SeqCst);
            panic!("a callback's fault stays its own");
        })
        .build()
        .unwrap();
    received.always(|batch| Reply::Each(batch.all(rejected())));
    track(&source, &client, 5);
    client.variant(&User::default(), "f");
    drain(&client);
    let account = closed(&client);
    assert_eq!(account.dropped.get(DropReason::Rejected), 5);
    assert_eq!(account.dropped.get(DropReason::Invalid), 1);
    assert_eq!(told.load(Ordering::SeqCst), 6);
}

#[test]
fn each_batch_carries_the_account() {
    let (source, received, client) = simple();
    let accounts = Arc::new(Mutex::new(Vec::new()));
    let seen_accounts = Arc::clone(&accounts);
    received.always(move |batch| {
        seen_accounts.lock().unwrap().push(batch.account().clone());
        Reply::Take
    });
    track(&source, &client, 2);
    client.blocking().flush();
    track(&source, &client, 3);
    client.blocking().flush();
    let accounts = accounts.lock().unwrap();
    assert!(accounts.iter().all(exposure_client::Account::closes));
    let last = accounts.last().unwrap();
    assert_eq!((last.delivered + last.pending, last.deduplicated), (3, 2));
    assert_eq!(seen(&received).len(), 3);
}
