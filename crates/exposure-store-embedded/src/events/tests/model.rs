//! Conversions, merges, look-ups, scans, erasures and reopenings in any order, against a list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use exposure_core::{Owner, RawId, Timestamp};
use exposure_store::{EventFilter, ProjectId, ScanCursor, StoredEvent, StoredLink};
use proptest::prelude::*;

use super::events::{Row, batch, row};
use crate::disk::{MemDisk, SplitMix};
use crate::events::{Events, EventsOptions, Retention, Unpaced};

const DIR: &str = "/data";

/// A list of rows, and what it is compared with.
struct Pair {
    disk: MemDisk,
    events: Events,
    rows: Vec<Row>,
    random: SplitMix,
    /// No event below this position is promised to be there; links are.
    from: u64,
    links: Vec<Row>,
    erased: BTreeMap<(ProjectId, Owner), Timestamp>,
}

fn options() -> EventsOptions {
    EventsOptions { merge_width: 3, ..EventsOptions::default() }
}

fn open(disk: &MemDisk) -> Events {
    Events::open(Arc::new(disk.clone()), Path::new(DIR), options()).unwrap()
}

impl Pair {
    fn new(seed: u64) -> Self {
        let disk = MemDisk::new();
        let events = open(&disk);
        Self {
            disk,
            events,
            rows: Vec::new(),
            random: SplitMix::new(seed),
            from: 0,
            links: Vec::new(),
            erased: BTreeMap::new(),
        }
    }

    fn convert(&mut self, n: u64) {
        let start = self.events.converted();
        let mut rows = Vec::new();
        for position in start..start + n {
            rows.push(row(&mut self.random, position));
        }
        // Who converts leaves out what was erased.
        rows.retain(|(project, event)| {
            let until = self.erased.get(&(*project, event.raw().to_owner()));
            until.is_none_or(|until| event.time > *until)
        });
        let end = start + n + self.random.up_to(3);
        self.events.convert(&batch(&rows), start..end, &Unpaced).unwrap();
        let links = rows.iter().filter(|(_, event)| event.user.is_some() && event.device.is_some());
        self.links.extend(links.cloned());
        self.rows.extend(rows);
    }

    fn merge(&mut self) -> bool {
        let erased = self.erased.clone();
        let is_erased = move |project: ProjectId, id: RawId<'_>, time: Timestamp| {
            erased.get(&(project, id.to_owner())).is_some_and(|until| time <= *until)
        };
        let retention = Retention { from: self.from, is_erased: Some(&is_erased) };
        self.events.merge(&retention, &Unpaced).unwrap()
    }

    fn erase(&mut self) {
        let Some((project, event)) =
            self.rows.get(self.random.up_to(self.rows.len() as u64 + 1) as usize)
        else {
            return;
        };
        let (project, owner, until) = (*project, event.raw().to_owner(), event.time);
        let held = self.erased.entry((project, owner.clone())).or_insert(until);
        *held = until.max(*held);
        let wanted = owner.clone();
        let is_erased = move |of: ProjectId, id: RawId<'_>, time: Timestamp| {
            of == project && id == wanted.as_raw() && time <= until
        };
        let retention = Retention { from: 0, is_erased: Some(&is_erased) };
        self.events.purge(&[(project, owner.clone())], &retention, &Unpaced).unwrap();
        self.rows.retain(|(of, event)| {
            !(*of == project && event.raw() == owner.as_raw() && event.time <= until)
        });
        self.links.retain(|(of, event)| {
            !(*of == project && event.raw() == owner.as_raw() && event.time <= until)
        });
        self.check();
    }

    fn drop_old(&mut self) {
        let to = self.events.converted().saturating_sub(self.random.up_to(60)).max(self.from);
        let mut expired = Vec::new();
        self.events
            .expiring(self.from..to, |row| {
                expired.push((row.project, row.to_event()));
                Ok::<_, crate::events::EventsError>(())
            })
            .unwrap();
        let seen_under: Vec<_> =
            expired.iter().map(|(project, event)| (*project, event.raw().to_owner())).collect();
        let groups = seen_under.chunk_by(|a, b| a == b).count();
        let distinct: BTreeSet<_> = seen_under.iter().collect();
        assert_eq!(groups, distinct.len(), "the events of a profile come together");
        let mut expired: Vec<StoredEvent> = expired.into_iter().map(|(_, event)| event).collect();
        let mut expected: Vec<StoredEvent> = self
            .rows
            .iter()
            .filter(|(_, event)| (self.from..to).contains(&event.position))
            .map(|(_, event)| event.clone())
            .collect();
        expected.sort_by_key(|event| event.position);
        expired.sort_by_key(|event| event.position);
        assert_eq!(expired, expected);
        self.from = to;
        self.events.drop_before(to).unwrap();
        self.forget_dropped();
    }

    /// Takes from the list what retention let go, and checks that it let go nothing else.
    fn forget_dropped(&mut self) {
        let there: BTreeSet<u64> = self.scan(&mut || ()).iter().map(|e| e.position).collect();
        let from = self.from;
        self.rows.retain(|(_, event)| {
            let is_there = there.contains(&event.position);
            assert!(is_there || event.position < from, "row {} was lost", event.position);
            is_there
        });
    }

    fn reopen(&mut self, power: bool) {
        self.disk = if power {
            self.disk.after_power_loss(self.random.up_to(u64::MAX - 1))
        } else {
            self.disk.after_process_death()
        };
        self.events = open(&self.disk);
    }

    /// Every event of every project by scans, with something done between two pages.
    fn scan(&mut self, between: &mut dyn FnMut()) -> Vec<StoredEvent> {
        let mut found = Vec::new();
        for project in [0, 0x7FFF_FFFF, 0xFFFF_FFFE] {
            let mut cursor = ScanCursor::default();
            loop {
                let limit = 1 + self.random.up_to(50) as usize;
                let page = self
                    .events
                    .scan(ProjectId(project), EventFilter::default(), 0..u64::MAX, &cursor, limit)
                    .unwrap();
                assert!(page.events.len() <= limit);
                found.extend(page.events);
                let Some(next) = page.next else { break };
                cursor = next;
                between();
            }
        }
        found.sort_by_key(|event| event.position);
        found
    }

    fn check(&mut self) {
        let mut expected: Vec<StoredEvent> =
            self.rows.iter().map(|(_, event)| event.clone()).collect();
        expected.sort_by_key(|event| event.position);
        assert_eq!(self.scan(&mut || ()), expected);
        assert_eq!(self.events.stats().n_events, expected.len() as u64);
        self.check_lookups();
        self.check_filters();
        self.events.verify().unwrap();
    }

    fn check_lookups(&mut self) {
        let mut by_raw: BTreeMap<(ProjectId, Owner), Vec<StoredEvent>> = BTreeMap::new();
        let mut by_device: BTreeMap<(ProjectId, Box<str>), Vec<StoredEvent>> = BTreeMap::new();
        for (project, event) in &self.rows {
            by_raw.entry((*project, event.raw().to_owner())).or_default().push(event.clone());
            if let Some(device) = &event.device {
                by_device.entry((*project, device.clone())).or_default().push(event.clone());
            }
        }
        for ((project, owner), mut expected) in by_raw {
            expected.sort_by_key(|event| event.position);
            assert_eq!(self.events.lookup(project, owner.as_raw()).unwrap(), expected);
        }
        for ((project, device), mut expected) in by_device {
            expected.sort_by_key(|event| event.position);
            let found = self.events.device_events(project, &device).unwrap();
            assert_eq!(found, expected);
        }
        // Links stay when their events go.
        let mut links: BTreeMap<(ProjectId, Box<str>), Vec<StoredLink>> = BTreeMap::new();
        for (project, event) in &self.links {
            let device = event.device.clone().unwrap();
            links.entry((*project, device)).or_default().extend(StoredLink::of(event.clone()));
        }
        for ((project, device), mut expected) in links {
            expected.sort_unstable();
            let mut found = self.events.links(project, &device).unwrap();
            // Those of erased users whose events are gone may wait for the next merge.
            found.retain(|link| {
                let until = self.erased.get(&(project, Owner::User(link.user.clone())));
                until.is_none_or(|until| link.time > *until)
            });
            assert_eq!(found, expected);
        }
        for nobody in [RawId::User("nobody"), RawId::Device("00000000-0000-4000-8000-0000000000ff")]
        {
            assert_eq!(self.events.lookup(ProjectId(1), nobody).unwrap(), vec![]);
        }
    }

    fn check_filters(&mut self) {
        let end = self.events.converted();
        let positions = self.random.up_to(end)..self.random.up_to(end);
        for (flag, exposures_only) in
            [(Some("flag-1"), false), (None, true), (Some("flag-2"), true)]
        {
            let filter = EventFilter { flag, exposures_only };
            let mut cursor = ScanCursor::default();
            let mut found = Vec::new();
            loop {
                let page =
                    self.events.scan(ProjectId(0), filter, positions.clone(), &cursor, 7).unwrap();
                found.extend(page.events.iter().map(|event| event.position));
                let Some(next) = page.next else { break };
                cursor = next;
            }
            found.sort_unstable();
            let mut expected: Vec<u64> = self
                .rows
                .iter()
                .filter(|(project, event)| {
                    let names = |flag: &str| {
                        event.exposed.as_ref().is_some_and(|key| &*key.flag == flag)
                            || (!exposures_only
                                && event.writes.iter().any(|write| &*write.flag == flag))
                    };
                    project.0 == 0
                        && positions.contains(&event.position)
                        && flag.is_none_or(names)
                        && (!exposures_only || event.kind.is_exposure())
                })
                .map(|(_, event)| event.position)
                .collect();
            expected.sort_unstable();
            assert_eq!(found, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn equals_a_list(seed in any::<u64>(), steps in proptest::collection::vec(0_u8..9, 1..14)) {
        let mut pair = Pair::new(seed);
        for step in steps {
            match step {
                0..=3 => {
                    let n = pair.random.up_to(90);
                    pair.convert(n);
                }
                4 => {
                    while pair.merge() {}
                    pair.forget_dropped();
                }
                5 => pair.reopen(true),
                6 => pair.reopen(false),
                7 => pair.erase(),
                _ => pair.drop_old(),
            }
            pair.events.remove_gone(&Unpaced).unwrap();
        }
        pair.check();
        while pair.merge() {}
        pair.forget_dropped();
        pair.check();
        pair.reopen(true);
        pair.check();
    }
}

#[test]
fn rows_of_many_pages_and_groups_come_back() {
    let mut pair = Pair::new(7);
    pair.convert(9_000);
    pair.convert(5_000);
    pair.convert(1);
    pair.check();
    assert!(pair.merge());
    pair.check();
}

#[test]
fn a_scan_gives_each_event_once_while_files_are_merged() {
    let mut pair = Pair::new(3);
    for _ in 0..6 {
        pair.convert(300);
    }
    let end = pair.events.converted();
    let expected: BTreeSet<u64> = pair.rows.iter().map(|(_, event)| event.position).collect();
    let mut found = Vec::new();
    for project in [0, 0x7FFF_FFFF, 0xFFFF_FFFE] {
        let mut cursor = ScanCursor::default();
        while {
            let page = pair
                .events
                .scan(ProjectId(project), EventFilter::default(), 0..end, &cursor, 40)
                .unwrap();
            found.extend(page.events.iter().map(|event| event.position));
            cursor = page.next.clone().unwrap_or_default();
            page.next.is_some()
        } {
            // What comes meanwhile is not part of the scan, and what goes on beneath does not show.
            pair.convert(20);
            pair.merge();
            pair.events.remove_gone(&Unpaced).unwrap();
        }
    }
    assert_eq!(found.len(), expected.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn a_conversion_begins_where_the_last_one_ended() {
    let mut pair = Pair::new(1);
    pair.convert(10);
    let at = pair.events.converted();
    let error = pair.events.convert(&batch(&[]), 0..at + 5, &Unpaced).unwrap_err();
    assert!(error.to_string().contains("the next must begin there"), "{error}");
    pair.events.convert(&batch(&[]), at..at + 5, &Unpaced).unwrap();
    assert_eq!(pair.events.converted(), at + 5);
    pair.check();
}

#[test]
fn a_cursor_of_something_else_is_refused() {
    let pair = Pair::new(1);
    for bytes in [vec![1], vec![0; 20], vec![9; 64]] {
        let cursor = ScanCursor(bytes);
        let page = pair.events.scan(ProjectId(0), EventFilter::default(), 0..1, &cursor, 1);
        assert!(page.is_err());
    }
}
