//! Flush, shutdown, and what is left then.

use std::time::{Duration, Instant};

use exposure_client::provider::{MemoryProvider, Reply, SendError};
use exposure_client::{DropReason, Tracked, User, Variant};

use crate::support::{closed, quick, simple, user, variants};

const LONG: Duration = Duration::from_mins(1);

#[test]
fn shutdown_sends_what_waits_for_a_batch() {
    let (source, received, _) = simple();
    let client = quick(&source).linger(LONG).provider(received.clone()).build().unwrap();
    source.set("f", Variant::new("on"));
    client.variant(&user(), "f");
    assert_eq!(received.n_batches(), 0);
    let report = client.blocking().shutdown(LONG);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(variants(&received), ["on"]);
    assert_eq!(report.account.delivered, 1);
    // Variants are still given, and what is tracked is counted.
    assert_eq!(client.variant(&User::new("late"), "f").unwrap().key(), Some("on"));
    assert_eq!(client.exposure(&User::new("late"), "f"), Tracked::Dropped(DropReason::Closed));
    assert_eq!(closed(&client).dropped.get(DropReason::Closed), 2);
    assert!(client.blocking().shutdown(LONG).is_complete(), "twice does no harm");
    assert!(client.blocking().flush().is_complete());
}

#[test]
fn shutdown_tries_again_until_the_deadline() {
    let (source, received, client) = simple();
    for _ in 0..5 {
        received.then(Reply::Fail(SendError::unavailable("not yet")));
    }
    source.set("f", Variant::new("on"));
    client.variant(&user(), "f");
    let report = client.blocking().shutdown(LONG);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(variants(&received), ["on"]);
}

#[test]
fn shutdown_ends_at_the_deadline_and_says_what_was_left() {
    for reply in [Reply::Hang, Reply::Fail(SendError::unavailable("gone"))] {
        let (source, received, client) = simple();
        received.always(move |_| reply.clone());
        source.set("f", Variant::new("on"));
        for _ in 0..3 {
            client.variant(&user(), "f");
        }
        client.variant(&User::new("other"), "f");
        let report = client.blocking().shutdown(Duration::from_millis(50));
        assert_eq!((report.left, report.kept), (2, 0));
        assert!(!report.is_complete() && report.unresponsive.is_empty());
        let account = closed(&client);
        assert_eq!((account.pending, account.dropped.get(DropReason::ShutDown)), (0, 4));
    }
}

#[test]
fn a_provider_that_holds_its_thread_holds_nobody_else() {
    let source = exposure_client::InMemorySource::new();
    let (stuck, fine) = (MemoryProvider::named("stuck"), MemoryProvider::named("fine"));
    let client = quick(&source).best_effort(stuck.clone()).provider(fine.clone()).build().unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    stuck.always(move |_| {
        let _ = held.lock().unwrap().recv_timeout(LONG);
        Reply::Take
    });
    source.set("f", Variant::new("on"));
    client.variant(&user(), "f");
    let start = Instant::now();
    let report = client.blocking().shutdown(Duration::from_millis(50));
    assert!(start.elapsed() < LONG / 2);
    assert_eq!(report.unresponsive, ["stuck"]);
    assert_eq!(variants(&fine), ["on"]);
    assert_eq!(closed(&client).delivered, 1);
    drop(release);
}

#[test]
fn flush_reports_what_a_failing_provider_leaves() {
    let (source, received, _) = simple();
    let client = quick(&source)
        .backoff(Duration::from_mins(1), Duration::from_mins(1))
        .provider(received.clone())
        .build()
        .unwrap();
    received.then(Reply::Fail(SendError::unavailable("down")));
    received.then(Reply::Fail(SendError::unavailable("down")));
    source.set("f", Variant::new("on"));
    client.variant(&user(), "f");
    while received.n_batches() == 0 {
        std::thread::yield_now();
    }
    // It does not wait for the backoff: it tries once more, and says how that went.
    assert_eq!(client.blocking().flush().left, 1);
    let report = client.blocking().flush();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(variants(&received), ["on"]);
}

#[test]
fn flush_does_not_hurry_who_asked_to_be_left_alone() {
    let (source, received, client) = simple();
    let throttle = SendError::Unavailable { after: Some(LONG), reason: "slow down".into() };
    received.then(Reply::Fail(throttle));
    source.set("f", Variant::new("on"));
    client.variant(&user(), "f");
    while received.n_batches() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(client.blocking().flush().left, 1);
    assert_eq!(client.blocking().flush().left, 1);
    assert_eq!(received.n_batches(), 1);
}

#[test]
fn flush_and_shutdown_are_awaited_in_any_runtime() {
    let runtimes = [
        tokio::runtime::Builder::new_current_thread().build().unwrap(),
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap(),
    ];
    for runtime in runtimes {
        let (source, received, client) = simple();
        source.set("f", Variant::new("on"));
        runtime.block_on(async {
            client.variant(&user(), "f");
            assert!(client.flush().await.is_complete());
            assert_eq!(variants(&received), ["on"]);
            assert!(client.shutdown(LONG).await.is_complete());
        });
    }
}

#[test]
fn a_client_that_is_dropped_sends_what_is_left() {
    let (source, received, _) = simple();
    let client = quick(&source).linger(LONG).provider(received.clone()).build().unwrap();
    source.set("f", Variant::new("on"));
    client.variant(&user(), "f");
    drop(client);
    let start = Instant::now();
    while received.exposures().is_empty() {
        assert!(start.elapsed() < LONG, "never sent");
        std::thread::sleep(Duration::from_millis(1));
    }
}
