use std::collections::BTreeSet;

use exposure_core::{Owner, ProfileState};

use super::history::{DEVICES, FLAGS, PROJECTS, USERS};
use super::model::{Known, Model, RawProfile, Spans};
use super::wait::block_on;
use crate::{
    DedupeTier, EventFilter, FeedCursor, FeedEntry, ProjectId, ScanCursor, Store, StoredEvent,
    UsageTier,
};

/// Every profile of a project, by pages of three.
pub fn all_profiles(store: &dyn Store, project: ProjectId) -> Vec<ProfileState> {
    let mut profiles = Vec::new();
    let mut from = ScanCursor::default();
    loop {
        let page = block_on(store.scan_profiles(project, &from, 3)).expect("profiles are read");
        assert!(page.profiles.len() <= 3, "a page is not longer than asked for");
        profiles.extend(page.profiles);
        match page.next {
            Some(next) => from = next,
            None => return profiles,
        }
    }
}

/// Every stored event that a filter gives, by pages of three.
pub fn all_events(
    store: &dyn Store,
    project: ProjectId,
    filter: EventFilter<'_>,
) -> Vec<StoredEvent> {
    let mut events = Vec::new();
    let mut from = ScanCursor::default();
    loop {
        let page = block_on(store.scan_events(project, filter, &from, 3)).expect("events are read");
        assert!(page.events.len() <= 3, "a page is not longer than asked for");
        events.extend(page.events);
        match page.next {
            Some(next) => from = next,
            None => return events,
        }
    }
}

/// The feed of a project from a cursor to its end, by pages of three.
pub fn whole_feed(
    store: &dyn Store,
    project: ProjectId,
    from: &FeedCursor,
) -> Vec<(FeedEntry, FeedCursor)> {
    let mut entries = Vec::new();
    let mut from = from.clone();
    loop {
        let page = block_on(store.feed(project, &from, 3)).expect("the feed is read");
        assert!(page.entries.len() <= 3, "a page is not longer than asked for");
        let is_end = page.entries.is_empty() && page.next == from;
        entries.extend(page.entries);
        if is_end {
            return entries;
        }
        from = page.next;
    }
}

/// Asks a store everything that the model knows, about the names of histories.
pub fn assert_answers(store: &dyn Store, model: &Model) {
    for project in PROJECTS {
        for id in ids() {
            assert_profile(store, model, project, &id);
        }
        assert_scans(store, model, project);
        let flags = block_on(store.flags(project)).expect("flags are read");
        let flags: Vec<String> = flags.into_iter().map(String::from).collect();
        let expected: Vec<String> = model.flags(project).into_iter().collect();
        assert_eq!(flags, expected, "flags of project {project}");
        if store.capabilities().usage == UsageTier::AtOnce {
            let usage = block_on(store.usage(project, 0, 40_000)).expect("usage is read");
            assert_eq!(usage, model.usage(project), "usage of project {project}");
            let senders = block_on(store.senders(project)).expect("senders are read");
            assert_eq!(senders, model.senders(project), "senders of project {project}");
        }
    }
    let hash = block_on(store.state_hash()).expect("the state is hashed");
    assert_eq!(hash, model.state_hash(), "the state hash");
}

fn ids() -> Vec<Owner> {
    let users = USERS.into_iter().map(|user| Owner::User(user.into()));
    users.chain(DEVICES.into_iter().map(|device| Owner::Device(device.into()))).collect()
}

fn assert_profile(store: &dyn Store, model: &Model, project: ProjectId, id: &Owner) {
    let profile = block_on(store.profile(project, id.as_raw())).expect("a profile is read");
    assert!(profile.as_ref().is_none_or(|profile| profile.id == *id), "the profile asked for");
    let expected = model.profile(project, id);
    assert_eq!(RawProfile::of(profile.as_ref()), expected, "{id} of project {project}");

    let history = block_on(store.history(project, id.as_raw())).expect("a history is read");
    let expected = model.live(project).filter(|event| event.names(id)).collect();
    assert!(
        history.is_sorted_by(|a, b| a.position < b.position),
        "a history is in order of position"
    );
    assert_same_events(&history, expected, &format!("history of {id}, project {project}"));

    if store.capabilities().dedupe == DedupeTier::Exact {
        let duplicates =
            block_on(store.duplicates(project, id.as_raw())).expect("duplicates are read");
        assert_eq!(duplicates, model.duplicates(project, id), "duplicates of {id}");
    }
}

fn assert_scans(store: &dyn Store, model: &Model, project: ProjectId) {
    let profiles = all_profiles(store, project);
    let distinct: BTreeSet<&Owner> = profiles.iter().map(|profile| &profile.id).collect();
    assert_eq!(distinct.len(), profiles.len(), "a scan gives each profile once");
    let expected = model.ids(project);
    // A profile that nothing is known of but its events may be left out.
    for id in &expected {
        let of_id = profiles.iter().find(|profile| profile.id == *id);
        let scanned = RawProfile::of(of_id);
        let known = model.profile(project, id);
        let is_empty = known == RawProfile::default();
        assert!(is_empty || scanned == known, "{id} is scanned as it is read: {scanned:?}");
    }
    // A shared device stays one, and may be told of, when all events that name it are erased.
    let is_known =
        |id: &Owner| expected.contains(id) || model.profile(project, id).spans == Spans::Shared;
    let unknown: Vec<_> = distinct.into_iter().filter(|id| !is_known(id)).collect();
    assert_eq!(unknown, Vec::<&Owner>::new(), "profiles that nothing names");

    for flag in std::iter::once(None).chain(FLAGS.map(Some)) {
        for exposures_only in [false, true] {
            let filter = EventFilter { flag, exposures_only };
            let found = all_events(store, project, filter);
            let expected = model.live(project).filter(|event| {
                let exposed = event.exposed.as_ref();
                let is_exposed = exposed.is_some_and(|e| flag.is_none_or(|flag| e.flag == flag));
                let is_written =
                    event.writes.iter().any(|(f, _)| flag.is_none_or(|flag| f == flag));
                match (flag, exposures_only) {
                    (None, false) => true,
                    (_, true) => is_exposed,
                    (Some(_), false) => is_exposed || is_written,
                }
            });
            assert_same_events(&found, expected.collect(), &format!("scan of {filter:?}"));
        }
    }
}

/// The same events, in any order.
fn assert_same_events(found: &[StoredEvent], mut expected: Vec<&Known>, what: &str) {
    for event in found {
        let same = expected.iter().position(|known| known.is_stored_as(event));
        match same {
            Some(index) => drop(expected.swap_remove(index)),
            None => panic!("{what}: not expected: {event:?}"),
        }
    }
    assert!(expected.is_empty(), "{what}: missing: {expected:?}");
}
