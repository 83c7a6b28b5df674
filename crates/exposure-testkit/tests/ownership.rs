//! The core's resolution on the reference store answers as the naive model does.

#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

use std::collections::BTreeMap;

use exposure_core::explain::{Candidate, judge};
use exposure_core::{RawId, SeenTable};
use exposure_store::memory::{MemoryOptions, MemoryStore};
use exposure_store::{Batch, Store};
use exposure_testkit::history::{Arrival, DEVICES, FLAGS, PROJECTS, START, USERS, commit, plan};
use exposure_testkit::{Model, block_on, owner_of, properties};
use proptest::prelude::*;

fn raw_ids() -> impl Iterator<Item = RawId<'static>> {
    USERS.into_iter().map(RawId::User).chain(DEVICES.into_iter().map(RawId::Device))
}

fn tell(model: &mut Model, arrival: &Arrival) {
    let event = arrival.admitted().unwrap();
    model.commit(&Batch { origin: arrival.origin, events: &[event], rejects: &[] });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn properties_and_owners_equal_the_models(
        plan in plan(1..40),
        erase in proptest::option::of((proptest::sample::select(&USERS[..]), 0_i64..5)),
    ) {
        let limits = plan.limits();
        let options = MemoryOptions { limits: limits.clone(), ..MemoryOptions::default() };
        let store = MemoryStore::with_options(options);
        let mut model = Model::new(limits.clone());
        for arrival in plan.shuffled() {
            commit(&store, &[arrival]).unwrap();
            tell(&mut model, arrival);
        }
        if let Some((user, ms)) = erase {
            let until = START.plus_micros(ms * 1000);
            block_on(store.erase(PROJECTS[0], user, until)).unwrap();
            model.erase(PROJECTS[0], user, until);
        }
        for project in PROJECTS {
            for id in raw_ids() {
                let (owner, registers) =
                    block_on(properties(&store, project, id, &limits)).unwrap();
                let visible: BTreeMap<String, String> = registers
                    .visible()
                    .map(|(flag, variant)| (flag.to_owned(), variant.to_owned()))
                    .collect();
                prop_assert_eq!((owner, visible), model.properties(project, id), "{}", id);
            }
            for event in model.live(project).filter(|event| event.user.is_none()) {
                let device = event.device.as_deref().unwrap();
                let owner = block_on(owner_of(&store, project, device, event.time, &limits));
                prop_assert_eq!(owner.unwrap(), model.owner(event));
            }
        }
    }

    #[test]
    fn explanations_equal_the_models(plan in plan(1..40)) {
        let mut model = Model::new(plan.limits());
        for arrival in &plan.history {
            tell(&mut model, arrival);
        }
        let project = PROJECTS[0];
        for (id, flag) in raw_ids().flat_map(|id| FLAGS.map(|flag| (id, flag))) {
            let owner = model.reader(project, id);
            let stored: Vec<_> = model
                .owned(project, &owner)
                .filter(|event| event.writes.iter().any(|(written, _)| written == flag))
                .collect();
            // What the core is given is what a store would have kept.
            let events: Vec<_> = stored.iter().map(|event| stored_as(event)).collect();
            let candidates: Vec<_> = events
                .iter()
                .map(|event| {
                    let write = event.writes.iter().find(|write| *write.flag == *flag).unwrap();
                    Candidate { version: event.version(write), received: event.received }
                })
                .collect();
            let expected = model.explain(project, id, flag);
            let found = judge(&candidates);
            prop_assert_eq!(found.is_some(), expected.is_some());
            let (Some((decider, lost)), Some(expected)) = (found, expected) else { continue };
            prop_assert!(std::ptr::eq(stored[decider], expected.decided_by));
            let lost: Vec<_> = lost.into_iter().map(|(index, why)| (events[index].time, why)).collect();
            let expected: Vec<_> = expected.lost.iter().map(|lost| (lost.event.time, lost.why)).collect();
            prop_assert_eq!(lost, expected);
        }
    }

    #[test]
    fn unique_profiles_follow_from_what_each_owner_saw(plan in plan(1..40)) {
        let mut model = Model::new(plan.limits());
        for arrival in &plan.history {
            tell(&mut model, arrival);
        }
        let project = PROJECTS[0];
        for flag in FLAGS {
            let shown = model.flag_exposures(project, flag, None);
            let mut profiles: BTreeMap<String, u64> = BTreeMap::new();
            let (mut total, mut jumpers) = (0, 0);
            for owner in model.owners(project) {
                let mut table = SeenTable::default();
                for (key, seen) in model.seen(project, &owner) {
                    table.add(exposure_core::SeenKey { experiment_key: "".into(), ..key }, seen);
                }
                let variants: Vec<String> = table
                    .iter()
                    .filter(|(key, _)| *key.flag == *flag)
                    .filter_map(|(key, _)| key.variant.as_deref().map(str::to_owned))
                    .collect();
                total += u64::from(!variants.is_empty());
                jumpers += u64::from(variants.len() > 1);
                for variant in variants {
                    *profiles.entry(variant).or_default() += 1;
                }
            }
            let counted: BTreeMap<String, u64> =
                shown.variants.iter().map(|(name, v)| (name.clone(), v.profiles)).collect();
            prop_assert_eq!((shown.profiles, shown.jumpers), (total, jumpers));
            prop_assert_eq!(&counted, &profiles);
            let starts = [START, START.plus_micros(3000), exposure_core::Timestamp::MAX];
            let buckets = model.buckets(project, flag, None, &starts);
            for (variant, all) in &shown.variants {
                let last = buckets[1][variant];
                prop_assert_eq!(last.cumulative_profiles, all.profiles);
                prop_assert_eq!(buckets[0][variant].exposures + last.exposures, all.exposures);
                prop_assert_eq!(buckets[0][variant].new_profiles + last.new_profiles, all.profiles);
            }
        }
    }
}

fn stored_as(event: &exposure_store::suite::model::Known) -> exposure_store::StoredEvent {
    exposure_store::StoredEvent {
        position: 0,
        kind: event.kind,
        event_type: event.event_type.as_str().into(),
        user: event.user.as_deref().map(Into::into),
        device: event.device.as_deref().map(Into::into),
        time: event.time,
        received: event.received,
        sequence: event.sequence,
        insert_id: event.insert_id.as_deref().map(Into::into),
        exposed: event.seen_key(),
        writes: event
            .writes
            .iter()
            .map(|(flag, variant)| exposure_store::StoredWrite {
                flag: flag.as_str().into(),
                variant: variant.as_deref().map(Into::into),
            })
            .collect(),
        payload: Box::default(),
        key: event.key,
        library: "".into(),
        notes: event.notes,
        effects: exposure_core::Effects::None,
    }
}
