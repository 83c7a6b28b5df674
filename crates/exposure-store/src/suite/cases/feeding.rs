use std::sync::Arc;
use std::thread;

use exposure_core::{Limits, Owner, Registers};
use std::collections::BTreeMap;

use super::support::{Bench, PROJECT, at, check, modelled, send};
use crate::suite::history::{Break, Event, PROJECTS, plan};
use crate::suite::model::{Model, RawProfile};
use crate::suite::{MakeHarness, block_on, whole_feed};
use crate::{Error, FeedCursor, FeedEntry, FeedTier, Store};

/// The feed read from its start gives the registers of every raw id.
pub fn the_feed_rebuilds_the_registers(make: MakeHarness<'_>) {
    check(24, &plan(1..40), |plan| {
        let limits = plan.limits();
        let mut bench = Bench::new(make(), limits.clone());
        let mut model = Model::new(limits.clone());
        let start = bench.store().feed_start();
        bench.replay(&mut model, &plan.shuffled(), &plan.sizes, &plan.breaks);
        let store = bench.store();
        if store.capabilities().feed != FeedTier::EveryChange {
            return;
        }
        let model = modelled(plan.shuffled(), &limits);
        for project in PROJECTS {
            let mut registers: BTreeMap<Owner, Registers> = BTreeMap::new();
            let feed = whole_feed(&*store, project, &start);
            for (entry, _) in &feed {
                let FeedEntry::Event { event, .. } = entry else { continue };
                let of_raw = registers.entry(event.raw().to_owner()).or_default();
                for write in &event.writes {
                    of_raw.merge(&write.flag, &event.version(write));
                }
            }
            assert_eq!(feed.len(), model.live(project).count(), "an entry for each event");
            for id in model.ids(project) {
                let mut profile = exposure_core::ProfileState::empty(id.clone());
                profile.registers = registers.remove(&id).unwrap_or_default();
                let rebuilt = RawProfile::of(Some(&profile)).registers;
                assert_eq!(rebuilt, model.profile(project, &id).registers, "{id}");
            }
        }
    });
}

/// From the cursor behind any entry the feed goes on with the next one, also after a restart.
pub fn the_feed_goes_on_from_any_cursor(make: MakeHarness<'_>) {
    let mut bench = Bench::new(make(), Limits::default());
    let begin = bench.store().feed_end();
    let event = |n: i64| {
        let on = Event::exposure("ann", "flag", Some("on"), at(n));
        if n % 3 == 0 { on.on_device("d1") } else { on }
    };
    for n in 0..9 {
        send(&*bench.store(), vec![event(2 * n), event(2 * n + 1)]);
        if n == 4 {
            bench.interrupt(Break::Kill);
        }
    }
    let times = |store: &dyn Store, from: &FeedCursor| {
        let entries = whole_feed(store, PROJECT, from);
        let of_entry = |(entry, _): &(FeedEntry, FeedCursor)| match entry {
            FeedEntry::Event { event, .. } => event.time,
            FeedEntry::Erased { until, .. } => *until,
        };
        entries.iter().map(of_entry).collect::<Vec<_>>()
    };
    let all: Vec<_> = (0..18).map(at).collect();
    for how in [Break::None, Break::Kill, Break::Reopen] {
        bench.interrupt(how);
        let store = bench.store();
        assert_eq!(times(&*store, &begin), all, "after {how:?}");
        for (n, (_, cursor)) in whole_feed(&*store, PROJECT, &begin).iter().enumerate() {
            assert_eq!(times(&*store, cursor), all[n + 1..], "behind entry {n}, after {how:?}");
        }
        assert_eq!(times(&*store, &store.feed_end()), [], "behind the end");
        assert_eq!(whole_feed(&*store, PROJECTS[1], &begin).len(), 0, "another project's");
    }
    let changed: Vec<bool> = whole_feed(&*bench.store(), PROJECT, &begin)
        .iter()
        .map(|(entry, _)| matches!(entry, FeedEntry::Event { links_changed: true, .. }))
        .collect();
    // A later link widens the span each time.
    assert_eq!(changed, (0..18).map(|n| n % 3 == 0).collect::<Vec<_>>(), "links changed");
    let foreign = FeedCursor(b"no cursor of any store".to_vec());
    let answer = block_on(bench.store().feed(PROJECT, &foreign, 1));
    assert!(matches!(answer, Err(Error::CursorInvalid)), "a foreign cursor: {answer:?}");
}

/// Who waits behind the end is woken by a commit.
pub fn a_waiting_reader_is_woken(make: MakeHarness<'_>) {
    let bench = Bench::new(make(), Limits::default());
    let store = bench.store();
    for n in 0..20 {
        let end = store.feed_end();
        let waiting = Arc::clone(&store);
        let from = end.clone();
        let reader = thread::spawn(move || block_on(waiting.feed_wait(&from)));
        send(&*store, vec![Event::exposure("ann", "flag", Some("on"), at(n))]);
        reader.join().expect("the reader ends").expect("the feed is there");
        assert_eq!(whole_feed(&*store, PROJECT, &end).len(), 1, "what it waited for is there");
    }
}
