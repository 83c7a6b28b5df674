use exposure_core::{Limits, Owner, RawId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::support::{Bench, PROJECT, arrival, assert_same_results, at, send, tell};
use crate::suite::history::{Break, Event, PROJECTS, USERS, batches, commit, intern, plan};
use crate::suite::model::{Model, RawProfile};
use crate::suite::{MakeHarness, assert_answers, block_on, whole_feed};
use crate::{Batch, Committed, FeedEntry, ProjectId, Reject, Store};

fn erase(store: &dyn Store, project: ProjectId, user: &str, until: Timestamp) -> u64 {
    block_on(store.erase(project, user, until)).expect("a user is erased")
}

/// Histories with erases in between: every answer equals the model's.
pub fn histories_with_erases_agree(make: MakeHarness<'_>) {
    let erases = vec((0_usize..8, select(&PROJECTS[..]), select(&USERS[..]), -1_i64..7), 1..4);
    check_plans(24, &(plan(1..36), erases), |(plan, erases)| {
        let limits = plan.limits();
        let mut bench = Bench::new(make(), limits.clone());
        let mut model = Model::new(limits);
        let mut breaks = plan.breaks.iter().copied().cycle();
        let shuffled = plan.shuffled();
        for (n, batch) in batches(&shuffled, &plan.sizes).iter().enumerate() {
            for &(_, project, user, ms) in erases.iter().filter(|(when, ..)| *when == n) {
                let n_erased = erase(&*bench.store(), project, user, at(ms));
                assert_eq!(n_erased, model.erase(project, user, at(ms)), "profiles erased");
            }
            let results = commit(&*bench.store(), batch).expect("a batch is committed");
            assert_same_results(&*bench.store(), &results, &tell(&mut model, batch));
            bench.interrupt(breaks.next().unwrap_or(Break::None));
        }
        assert_answers(&*bench.store(), &model);
        bench.interrupt(Break::Kill);
        assert_answers(&*bench.store(), &model);
    });
}

/// Whether an erase comes before or after a user's events, the same is left of the user.
pub fn an_erase_and_late_events_commute(make: MakeHarness<'_>) {
    check_plans(24, &(plan(1..30), select(&USERS[..]), -1_i64..7), |(plan, user, ms)| {
        let left = |erase_at: usize| {
            let bench = Bench::new(make(), plan.limits());
            let store = bench.store();
            for (n, arrival) in plan.history.iter().enumerate() {
                if n == erase_at {
                    erase(&*store, PROJECT, user, at(ms));
                }
                commit(&*store, &[arrival]).expect("an event is committed");
            }
            if erase_at >= plan.history.len() {
                erase(&*store, PROJECT, user, at(ms));
            }
            let id = RawId::User(user);
            let profile = block_on(store.profile(PROJECT, id)).expect("a profile is read");
            let history = block_on(store.history(PROJECT, id)).expect("a history is read");
            let times: Vec<_> = history.iter().map(|e| (e.time, e.exposed.clone())).collect();
            (RawProfile::of(profile.as_ref()), times)
        };
        // An insert id that an erased event claimed stays claimed, so only new ids commute.
        if plan.history.iter().all(|arrival| arrival.event.insert_id.is_none_or(str::is_empty)) {
            assert_eq!(left(0), left(usize::MAX), "all before, all after");
        }
        let without_ids = |n: usize| {
            let mut model = Model::new(plan.limits());
            for (index, arrival) in plan.history.iter().enumerate() {
                if index == n {
                    model.erase(PROJECT, user, at(ms));
                }
                tell(&mut model, &[arrival]);
            }
            if n >= plan.history.len() {
                model.erase(PROJECT, user, at(ms));
            }
            model.profile(PROJECT, &Owner::User(user.into()))
        };
        for n in [0, plan.history.len() / 2, usize::MAX] {
            assert_eq!(left(n).0, without_ids(n), "erased before event {n}");
        }
    });
}

/// What is left of a user, its devices, its rejects and its feed after an erase.
pub fn an_erase_takes_all_of_a_user(make: MakeHarness<'_>) {
    let mut bench = Bench::new(make(), Limits::default());
    let ann = |ms| Event::exposure("ann", "flag", Some("on"), at(ms));
    send(
        &*bench.store(),
        vec![
            ann(1).anonymous("d1"),
            ann(2).on_device("d1").with_insert_id("i1"),
            ann(2).on_device("d1").with_insert_id("i1"),
            ann(3).on_device("d2"),
            Event::login("bob", "d2", at(4)),
            ann(8),
        ],
    );
    let reject = Reject {
        code: exposure_core::ErrorCode::Invalid,
        field: "variant",
        message: "is empty",
        user: "ann",
        device: "",
        event: b"{}",
        library: "",
    };
    let origin = arrival(ann(1)).origin;
    let batch = Batch { origin, events: &[], rejects: &[reject, Reject { user: "bob", ..reject }] };
    block_on(bench.store().commit(&batch)).expect("rejects are kept");
    let late = || vec![ann(5), ann(6).on_device("d9"), ann(1).anonymous("d1"), ann(9)];

    // Rejects go by their time of receipt, which is later than the events' times.
    assert_eq!(erase(&*bench.store(), PROJECT, "ann", at(6)), 2, "ann and d1");
    for how in [Break::None, Break::Kill, Break::Reopen] {
        bench.interrupt(how);
        let store = bench.store();
        let results = send(&*store, late());
        let erased: Vec<bool> = results.iter().map(|r| *r == Committed::Erased).collect();
        assert_eq!(erased, [true, true, true, false], "after {how:?}");

        let history = block_on(store.history(PROJECT, RawId::User("ann"))).expect("is read");
        assert!(history.iter().all(|event| event.time > at(6)), "ann's events after {how:?}");
        let d1 = block_on(store.history(PROJECT, RawId::Device("d1"))).expect("is read");
        assert_eq!(d1, [], "d1's events after {how:?}");
        let d2 = block_on(store.profile(PROJECT, RawId::Device("d2"))).expect("is read");
        let users: Vec<String> =
            d2.iter().flat_map(|d2| d2.links.spans()).map(|s| s.user.to_string()).collect();
        assert_eq!(users, ["bob"], "who is left on d2 after {how:?}");
        let duplicates = block_on(store.duplicates(PROJECT, RawId::User("ann"))).expect("is read");
        assert_eq!(duplicates.count, 0, "ann's duplicates after {how:?}");
        let feed = whole_feed(&*store, PROJECT, &store.feed_start());
        let of_ann = feed.iter().filter(|(entry, _)| match entry {
            FeedEntry::Event { event, .. } => event.user.as_deref() == Some("ann"),
            FeedEntry::Erased { .. } => false,
        });
        assert!(of_ann.count() < 5, "the feed holds only what is left of ann");
        let erased: Vec<_> = feed
            .iter()
            .filter_map(|(entry, _)| match entry {
                FeedEntry::Erased { owner, until, .. } => Some((owner.to_string(), *until)),
                FeedEntry::Event { .. } => None,
            })
            .collect();
        let expected = [("user:ann".to_owned(), at(6)), ("device:d1".to_owned(), at(6))];
        assert_eq!(erased, expected, "the feed tells of both");
    }

    erase(&*bench.store(), PROJECT, "ann", origin.received);
    let rejects = block_on(bench.store().rejects(PROJECT, None, 100)).expect("rejects are read");
    let named: Vec<_> = rejects.iter().filter_map(|reject| reject.named.clone()).collect();
    assert_eq!(named, [Owner::User("bob".into())], "ann's rejects are gone, and no late one named");
}

/// A late event of an erased user counts among the rejects of the library that sent it, also when it is read back
/// from a log: each user's first and only trace there.
pub fn late_events_are_counted_by_library(make: MakeHarness<'_>) {
    let mut bench = Bench::new(make(), Limits::default());
    let users: Vec<String> = (0..16).map(|n| format!("user-{n}")).collect();
    let late = |user: &String| {
        let event = Event::exposure(user, "flag", Some("on"), at(1));
        Event { library: intern(&format!("sdk/{user}")), ..event }
    };
    let expected = |n: usize| {
        let mut all: Vec<String> = users[..n].iter().map(|user| format!("sdk/{user}")).collect();
        all.sort();
        all
    };
    for (n, user) in users.iter().enumerate() {
        erase(&*bench.store(), PROJECT, user, at(2));
        assert_eq!(send(&*bench.store(), vec![late(user)]), [Committed::Erased]);
        bench.interrupt(Break::Kill);
        let senders = block_on(bench.store().senders(PROJECT)).expect("senders are read");
        assert!(senders.iter().all(|row| row.rejected == [(exposure_core::ErrorCode::Erased, 1)]));
        let libraries: Vec<_> = senders.iter().map(|row| row.library.to_string()).collect();
        assert_eq!(libraries, expected(n + 1), "one of each");
    }
}

fn check_plans<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value)) {
    super::support::check(cases, strategy, property);
}
