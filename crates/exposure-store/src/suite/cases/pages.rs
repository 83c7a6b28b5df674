use std::collections::BTreeMap;

use exposure_core::Limits;

use super::support::{Bench, PROJECT, at, send};
use crate::suite::history::Event;
use crate::suite::{MakeHarness, block_on};
use crate::{EventFilter, ScanCursor, Store};

const THERE: i64 = 60;

fn event(user: &str, n: i64) -> Event {
    Event::exposure(user, "flag", Some("on"), at(n))
}

fn fill(store: &dyn Store) {
    send(store, (0..THERE).map(|n| event(&format!("there-{n}"), n)).collect());
}

fn disturb(store: &dyn Store, round: i64) {
    let new = (0..5).map(|n| event(&format!("new-{round}-{n}"), n));
    let again = (0..5).map(|n| event(&format!("there-{}", (round * 7 + n) % THERE), 100 + round));
    send(store, new.chain(again).collect());
}

/// While others write, a profile that is there throughout is in exactly one page.
pub fn profiles_are_scanned_once_while_writing(make: MakeHarness<'_>) {
    let bench = Bench::new(make(), Limits::default());
    let store = bench.store();
    fill(&*store);
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    let mut from = ScanCursor::default();
    for round in 0.. {
        let page = block_on(store.scan_profiles(PROJECT, &from, 7)).expect("profiles are read");
        for profile in page.profiles {
            *found.entry(profile.id.to_string()).or_default() += 1;
        }
        let Some(next) = page.next else { break };
        from = next;
        // Writers that never end would never let a scan end that sees new profiles.
        if round < 20 {
            disturb(&*store, round);
        }
        assert!(round < 10_000, "the scan comes to an end");
    }
    assert!(found.values().all(|&times| times == 1), "no profile is in two pages: {found:?}");
    for n in 0..THERE {
        assert!(found.contains_key(&format!("user:there-{n}")), "profile {n} is in a page");
    }
}

/// While others write, an event that is there throughout is in exactly one page.
pub fn events_are_scanned_once_while_writing(make: MakeHarness<'_>) {
    let bench = Bench::new(make(), Limits::default());
    let store = bench.store();
    fill(&*store);
    let mut found: BTreeMap<u64, String> = BTreeMap::new();
    let mut from = ScanCursor::default();
    for round in 0.. {
        let page = block_on(store.scan_events(PROJECT, EventFilter::default(), &from, 7));
        let page = page.expect("events are read");
        for event in page.events {
            let held = found.insert(event.position, event.raw().to_string());
            assert_eq!(held, None, "the event at {} is in two pages", event.position);
        }
        let Some(next) = page.next else { break };
        from = next;
        if round < 20 {
            disturb(&*store, round);
        }
        assert!(round < 10_000, "the scan comes to an end");
    }
    for n in 0..THERE {
        let name = format!("user:there-{n}");
        assert!(found.values().any(|held| *held == name), "event {n} is in a page");
    }
}
