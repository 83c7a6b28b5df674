//! Every answer equals that of the naive model, whatever the history; and the change feed
//! rebuilds what the answers say, change by change.
#![cfg(test)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Bench, all_pages, drain};
use exposure_core::{Outcome, Owner, RawId, Timestamp};
use exposure_service::{
    Caller, Interval, Listing, NewApiKey, NewProject, Page, ProfileBasis, ProfileQuery, ProfileRef,
    Scopes, SeriesQuery, Settings, WatchEntry, WatchFrom, WatchItem,
};
use exposure_store::suite::history::{Arrival, FLAGS, VARIANTS, batches, plan};
use exposure_store::{Batch, Committed, Origin, StateHash, Store as _};
use exposure_testkit::{Model, block_on};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// Two projects, as histories have them.
struct Projects {
    bench: Bench,
    callers: [Caller; 2],
}

impl Projects {
    fn new(limits: exposure_core::Limits) -> Self {
        // The clock jumps by days, which would make an idle watch report its progress.
        let watch_progress = std::time::Duration::from_secs(1 << 30);
        let bench = Bench::with(Settings { limits, watch_progress, ..Settings::default() });
        let new = NewProject { name: "second".into(), ..Default::default() };
        block_on(bench.handle.create_project(&bench.caller, new)).expect("a project is made");
        let new =
            NewApiKey { project: "second".into(), scopes: Scopes::all(), ..Default::default() };
        let (_, secret) = block_on(bench.handle.create_api_key(&bench.caller, new)).unwrap();
        let second = bench.handle.authenticate(&secret).unwrap();
        let callers = [bench.caller.clone(), second];
        Self { bench, callers }
    }

    fn caller(&self, arrival: &Arrival) -> &Caller {
        let of_project = |caller: &&Caller| caller.project() == arrival.origin.project;
        self.callers.iter().find(of_project).expect("the project is there")
    }

    /// Sends a batch to the service and to the model, and compares what they say.
    fn send(&self, model: &mut Model, batch: &[&Arrival]) {
        let caller = self.caller(batch[0]);
        let origin = Origin { key: caller.key(), ..batch[0].origin };
        self.bench.clock.set(origin.now);
        let request = exposure_service::IngestRequest {
            received: Some(origin.received),
            ..Default::default()
        };
        let events: Vec<_> = batch.iter().map(|arrival| arrival.event.clone()).collect();
        let outcomes = self.bench.send_as(caller, &request, &events).expect("a batch is stored");
        let admitted: Vec<_> = batch.iter().filter_map(|arrival| arrival.admitted()).collect();
        assert_eq!(admitted.len(), batch.len(), "histories are of events that are admitted");
        let told = model.commit(&Batch { origin, events: &admitted, rejects: &[] });
        for ((outcome, told), event) in outcomes.iter().zip(told).zip(&admitted) {
            match told {
                Committed::Merged(effects) => {
                    assert_eq!(*outcome, Outcome::Accepted { effects, notes: event.notes });
                }
                // Which duplicates conflict is a matter of the store's own suite.
                Committed::Duplicate { .. } => {
                    assert!(matches!(outcome, Outcome::Duplicate { .. }), "{outcome:?}");
                }
                Committed::Erased => panic!("nothing is erased here"),
            }
        }
    }
}

fn profile_ref(id: &Owner) -> ProfileRef<'_> {
    match id.as_raw() {
        RawId::User(user) => ProfileRef { user_id: Some(user), device_id: None },
        RawId::Device(device) => ProfileRef { user_id: None, device_id: Some(device) },
    }
}

fn check_answers(projects: &Projects, model: &Model) {
    let handle = &projects.bench.handle;
    for caller in &projects.callers {
        let project = caller.project();
        for id in model.ids(project) {
            let (found, _) = block_on(handle.properties(caller, profile_ref(&id))).unwrap();
            let (owner, visible) = model.properties(project, id.as_raw());
            let properties: BTreeMap<_, _> = found
                .properties
                .iter()
                .map(|p| (p.flag_key.to_string(), p.variant.to_string()))
                .collect();
            assert_eq!((found.profile, properties), (owner, visible), "properties of {id}");
            for flag in FLAGS {
                check_explain(projects, model, caller, &id, flag);
            }
        }
        check_flags(projects, model, caller);
        for flag in FLAGS {
            check_series(projects, model, caller, flag);
            check_profiles(projects, model, caller, flag);
        }
    }
}

fn check_explain(projects: &Projects, model: &Model, caller: &Caller, id: &Owner, flag: &str) {
    let handle = &projects.bench.handle;
    let mut token = String::new();
    let mut lost = Vec::new();
    let explained = loop {
        let page = Page::after(2, token);
        let explained = block_on(handle.explain(caller, profile_ref(id), flag, &page)).unwrap();
        lost.extend(explained.lost.iter().cloned());
        token = explained.next_page_token.clone();
        if token.is_empty() {
            break explained;
        }
    };
    let Some(expected) = model.explain(caller.project(), id.as_raw(), flag) else {
        assert_eq!(explained.decided_by, None);
        assert_eq!(lost, []);
        return;
    };
    let decided_by = explained.decided_by.expect("somebody decided");
    assert_eq!(decided_by.time, expected.decided_by.time);
    assert_eq!(decided_by.sequence, expected.decided_by.sequence);
    assert_eq!(decided_by.variant.as_deref(), expected.variant);
    assert_eq!(explained.variant.as_deref(), expected.variant);
    let event = decided_by.event.expect("its event is stored");
    assert_eq!(event.received, expected.decided_by.received);
    assert_eq!(event.kind, expected.decided_by.kind.as_str());
    let mut told: Vec<_> = lost
        .iter()
        .map(|l| (l.write.time, l.write.sequence, l.write.user_id.clone(), l.reason))
        .collect();
    let mut known: Vec<_> = expected
        .lost
        .iter()
        .map(|l| (l.event.time, l.event.sequence, l.event.user.as_deref().map(Into::into), l.why))
        .collect();
    told.sort();
    known.sort();
    assert_eq!(told, known, "lost writes of {flag} of {id}");
    assert!(lost.windows(2).all(|pair| pair[0].write.time >= pair[1].write.time));
}

fn check_flags(projects: &Projects, model: &Model, caller: &Caller) {
    let handle = &projects.bench.handle;
    let flags = all_pages(1, |page| block_on(handle.list_flags(caller, page)));
    let keys: Vec<_> = flags.iter().map(|flag| flag.flag_key.to_string()).collect();
    assert!(keys.is_sorted());
    for flag in FLAGS {
        let expected = model.flag_exposures(caller.project(), flag, None);
        let Some(found) = flags.iter().find(|held| *held.flag_key == *flag) else {
            assert_eq!(expected.profiles, 0, "{flag} is listed when somebody saw it");
            continue;
        };
        assert_eq!((found.profiles, found.jumpers), (expected.profiles, expected.jumpers));
        let variants: Vec<_> = found
            .variants
            .iter()
            .map(|v| (&*v.variant, v.profiles, v.exposures, v.first_time, v.last_time))
            .collect();
        let known: Vec<_> = expected
            .variants
            .iter()
            .map(|(name, v)| (name.as_str(), v.profiles, v.exposures, v.first, v.last))
            .collect();
        assert_eq!(variants, known, "variants of {flag}");
    }
}

fn check_series(projects: &Projects, model: &Model, caller: &Caller, flag: &str) {
    let handle = &projects.bench.handle;
    for run in [None, Some(""), Some("run-1")] {
        let asked = SeriesQuery {
            flag_key: flag.into(),
            interval: Interval::Hour,
            experiment_key: run.map(Into::into),
            ..SeriesQuery::default()
        };
        let mut totals = (0, 0);
        let buckets = all_pages(1, |page| {
            let found = block_on(handle.flag_exposures(caller, &asked, page))?;
            totals = (found.profiles, found.jumpers);
            Ok(Listing {
                items: found.buckets,
                next_page_token: found.next_page_token,
                position: found.position,
            })
        });
        let expected = model.flag_exposures(caller.project(), flag, run);
        assert_eq!(totals, (expected.profiles, expected.jumpers));
        let starts: Vec<Timestamp> = buckets.iter().map(|bucket| bucket.start).collect();
        let known = model.buckets(caller.project(), flag, run, &starts);
        let exposures: u64 = expected.variants.values().map(|variant| variant.exposures).sum();
        let counted: u64 = buckets.iter().flat_map(|b| &b.variants).map(|v| v.exposures).sum();
        assert_eq!(exposures, counted, "every exposure is in a bucket");
        for (bucket, known) in buckets.iter().zip(known) {
            for variant in &bucket.variants {
                let known = known.get(&*variant.variant).copied().unwrap_or_default();
                assert_eq!(
                    (variant.new_profiles, variant.cumulative_profiles, variant.exposures),
                    (known.new_profiles, known.cumulative_profiles, known.exposures),
                    "{flag} {} {}",
                    variant.variant,
                    bucket.start
                );
            }
        }
    }
}

fn check_profiles(projects: &Projects, model: &Model, caller: &Caller, flag: &str) {
    let handle = &projects.bench.handle;
    let asked = ProfileQuery { flag_key: flag.into(), ..ProfileQuery::default() };
    for variant in VARIANTS {
        let asked = ProfileQuery { variant: Some(variant.into()), ..asked.clone() };
        let found = all_pages(2, |page| block_on(handle.list_profiles(caller, &asked, page)));
        let n_found = found.len();
        let found: BTreeSet<_> = found.into_iter().map(|entry| entry.profile).collect();
        assert_eq!(n_found, found.len(), "each profile once");
        assert_eq!(found, model.with_property(caller.project(), flag, variant));
    }
    let asked = ProfileQuery { basis: ProfileBasis::Exposure, ..asked };
    let found = all_pages(2, |page| block_on(handle.list_profiles(caller, &asked, page)));
    let found: BTreeSet<_> =
        found.into_iter().map(|e| (e.profile, e.variant, e.exposures)).collect();
    let mut known: BTreeMap<(Owner, Box<str>), u64> = BTreeMap::new();
    for owner in model.owners(caller.project()) {
        for (key, seen) in model.seen(caller.project(), &owner) {
            if let (true, Some(variant)) = (*key.flag == *flag, key.variant) {
                *known.entry((owner.clone(), variant)).or_default() += seen.count;
            }
        }
    }
    let known: BTreeSet<_> = known.into_iter().map(|((o, v), count)| (o, v, count)).collect();
    assert_eq!(found, known);
}

fn entries(items: &[WatchItem]) -> Vec<&WatchEntry> {
    items.iter().map(|item| &item.entry).collect()
}

type Visible = BTreeMap<(Owner, Box<str>), Box<str>>;

/// Applies changes; each must change something.
fn apply(visible: &mut Visible, items: &[WatchItem]) {
    for item in items {
        let WatchEntry::Change { profile, flag_key, variant, .. } = &item.entry else {
            panic!("only changes are expected: {item:?}");
        };
        assert!(item.cursor.is_some());
        let key = (profile.clone(), flag_key.clone());
        let before = match variant {
            Some(variant) => visible.insert(key, variant.clone()),
            None => visible.remove(&key),
        };
        assert_ne!(before, *variant, "{:?} changes nothing", item.entry);
    }
}

fn visible_of(model: &Model, caller: &Caller) -> Visible {
    let mut visible = Visible::new();
    for owner in model.owners(caller.project()) {
        let (found, properties) = model.properties(caller.project(), owner.as_raw());
        // By a device that has users, the answer is about one of them.
        if found == owner {
            for (flag, variant) in properties {
                visible.insert((owner.clone(), flag.into()), variant.into());
            }
        }
    }
    visible
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn answers_are_those_of_the_model(plan in plan(1..40)) {
        let projects = Projects::new(plan.limits());
        let mut model = Model::new(plan.limits());
        for batch in batches(&plan.shuffled(), &plan.sizes) {
            projects.send(&mut model, &batch);
        }
        check_answers(&projects, &model);
        // Each project has the hash of what is its own, and together they are the store's.
        let mut hash = StateHash::default();
        for caller in &projects.callers {
            hash.combine(block_on(projects.bench.handle.state_hash(caller)).unwrap().0);
        }
        prop_assert_eq!(hash, model.state_hash());
        prop_assert_eq!(hash, block_on(projects.bench.store.state_hash()).unwrap());
    }

    #[test]
    fn a_watch_sees_every_change_and_nothing_else(plan in plan(1..40)) {
        let projects = Projects::new(plan.limits());
        let mut model = Model::new(plan.limits());
        let handle = &projects.bench.handle;
        let watch = |caller: &Caller, from| handle.watch(caller, from).expect("a watch begins");
        let mut live = projects.callers.each_ref().map(|caller| watch(caller, WatchFrom::Now));
        let mut sent = [Vec::new(), Vec::new()];
        let mut visible = [Visible::new(), Visible::new()];
        for batch in batches(&plan.shuffled(), &plan.sizes) {
            projects.send(&mut model, &batch);
            for (at, caller) in projects.callers.iter().enumerate() {
                let items = drain(&mut live[at]);
                apply(&mut visible[at], &items);
                prop_assert_eq!(&visible[at], &visible_of(&model, caller));
                sent[at].extend(items);
            }
        }
        for (at, caller) in projects.callers.iter().enumerate() {
            let replayed = drain(&mut watch(caller, WatchFrom::Beginning));
            prop_assert_eq!(entries(&replayed), entries(&sent[at]), "a replay tells the same");
            for (index, item) in replayed.iter().enumerate() {
                let from = WatchFrom::Cursor(item.cursor.clone().expect("each has a cursor"));
                let rest = drain(&mut watch(caller, from));
                prop_assert_eq!(entries(&rest), entries(&replayed[index + 1..]));
            }
            let mut snapshot = drain(&mut watch(caller, WatchFrom::Snapshot));
            let done = snapshot.pop().map(|item| item.entry);
            prop_assert_eq!(done, Some(WatchEntry::SnapshotDone { entries: snapshot.len() as u64 }));
            let shown: Visible = snapshot
                .into_iter()
                .map(|item| match item.entry {
                    WatchEntry::Snapshot { profile, property } => {
                        ((profile, property.flag_key), property.variant)
                    }
                    other => panic!("a snapshot has properties: {other:?}"),
                })
                .collect();
            prop_assert_eq!(&shown, &visible[at]);
        }
    }
}
