//! An outbox on disk that is larger than memory.

use std::time::Duration;

use exposure_client::provider::{BatchLimits, MemoryProvider, Reply, SendError};
use exposure_client::{ExposureClient, InMemorySource, Tracked, User, Variant};

use crate::support::{closed, quick, seen};

const N_USERS: usize = 1000;

fn down(provider: &MemoryProvider) {
    provider.always(|_| Reply::Fail(SendError::unavailable("down")));
}

fn up(provider: &MemoryProvider) {
    provider.always(|_| Reply::Take);
}

fn build(
    source: &InMemorySource,
    providers: &[MemoryProvider],
    at: &std::path::Path,
) -> ExposureClient {
    let builder = quick(source).outbox(at).queue_events(10);
    let builder = providers.iter().fold(builder, |builder, one| builder.provider(one.clone()));
    builder.build().unwrap()
}

fn track_all(client: &ExposureClient) {
    for number in 0..N_USERS {
        let tracked = client.exposure(&User::new(format!("user-{number}")), "f");
        assert_eq!(tracked, Tracked::Queued, "{number}");
        if number % 100 == 0 {
            client.blocking().synced();
        }
    }
    client.blocking().synced();
}

fn users(provider: &MemoryProvider) -> Vec<String> {
    seen(provider).iter().map(|one| one.user_id.as_deref().unwrap().to_owned()).collect()
}

fn all_users() -> Vec<String> {
    (0..N_USERS).map(|number| format!("user-{number}")).collect()
}

fn source() -> InMemorySource {
    let source = InMemorySource::new();
    source.set("f", Variant::new("on"));
    source
}

#[test]
fn what_memory_has_no_room_for_waits_on_disk_and_comes_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let one = BatchLimits { max_events: 4, ..BatchLimits::default() };
    let received = MemoryProvider::with_limits("one", one);
    down(&received);
    let client = build(&source(), std::slice::from_ref(&received), directory.path());
    track_all(&client);
    let account = closed(&client);
    let offered = account.providers[0].offered;
    assert_eq!((account.pending, account.dropped.total()), (N_USERS as u64, 0));
    assert!(offered <= 10, "{offered} in memory");
    assert_eq!(client.blocking().flush().left, N_USERS as u64);

    // What waits on disk alone is a repeat when it is seen again.
    assert_eq!(client.exposure(&User::new("user-999"), "f"), Tracked::Repeat);
    up(&received);
    let report = client.blocking().flush();
    assert!(report.is_complete(), "{report:?}");
    let account = closed(&client);
    assert_eq!((account.delivered, account.deduplicated), (N_USERS as u64, 1));
    let came: Vec<String> =
        received.exposures().iter().map(|one| one.user_id.as_deref().unwrap().to_owned()).collect();
    assert_eq!(came, all_users(), "in the order in which they were tracked");
    assert_eq!(client.blocking().shutdown(Duration::from_secs(5)).kept, 0);
}

#[test]
fn a_shutdown_sends_it_while_there_is_time() {
    let directory = tempfile::tempdir().unwrap();
    let received = MemoryProvider::new();
    down(&received);
    let client = build(&source(), std::slice::from_ref(&received), directory.path());
    track_all(&client);
    up(&received);
    let report = client.blocking().shutdown(Duration::from_mins(1));
    assert!(report.is_complete() && report.account.closes(), "{report:?}");
    assert_eq!((report.kept, users(&received)), (0, all_users()));
}

#[test]
fn what_an_earlier_run_left_waits_on_disk_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let providers = [MemoryProvider::named("one"), MemoryProvider::named("other")];
    providers.iter().for_each(down);
    let client = build(&source(), &providers, directory.path());
    track_all(&client);
    let report = client.blocking().shutdown(Duration::from_millis(5));
    assert!(report.account.closes(), "{report:?}");
    assert_eq!((report.kept, report.account.dropped.total()), (N_USERS as u64, 0));
    assert!(N_USERS as u64 <= report.left, "{report:?}");

    for n_left in [N_USERS as u64, 0] {
        let client = build(&source(), &providers, directory.path());
        let account = closed(&client);
        assert_eq!((account.recovered, account.pending), (N_USERS as u64, N_USERS as u64));
        let offered = account.providers[0].offered;
        assert!(offered <= 10, "{offered} in memory");
        if n_left == 0 {
            providers.iter().for_each(up);
            let report = client.blocking().flush();
            assert!(report.is_complete(), "{report:?}");
            assert_eq!(closed(&client).delivered, N_USERS as u64);
        }
        let report = client.blocking().shutdown(Duration::from_millis(100));
        assert!(report.account.closes(), "{report:?}");
        assert_eq!((report.kept, report.account.dropped.total()), (n_left, 0));
    }
    for provider in &providers {
        assert_eq!((users(provider), provider.exposures().len()), (all_users(), N_USERS));
    }
}

/// A provider that is dead for longer than memory lasts takes nothing from the other for good.
#[test]
fn nothing_is_lost_to_one_of_two() {
    let directory = tempfile::tempdir().unwrap();
    let providers = [MemoryProvider::named("one"), MemoryProvider::named("dead")];
    down(&providers[1]);
    let client = build(&source(), &providers, directory.path());
    track_all(&client);
    up(&providers[1]);
    while !client.blocking().flush().is_complete() {
        std::thread::yield_now();
    }
    let account = closed(&client);
    assert_eq!((account.delivered, account.dropped.total()), (N_USERS as u64, 0));
    for provider in &providers {
        assert_eq!(users(provider), all_users());
    }
}
