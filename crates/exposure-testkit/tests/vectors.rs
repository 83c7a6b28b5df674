//! The vectors of the rules, on the core, the reference store and the naive model.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails panics")]

use exposure_core::{Body, EventTime, Exposure, Limits, Note, Owner, RawId, Timestamp};
use exposure_store::memory::MemoryStore;
use exposure_store::{Batch, Committed, Origin, ProjectId, Store};
use exposure_testkit::history::{Event, intern, owned_origin};
use exposure_testkit::vectors::{IdentityCase, RegisterCase, RegisterWrite, identity, register};
use exposure_testkit::{Model, block_on, owner_of, properties};

const PROJECT: ProjectId = ProjectId(1);

fn millis(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms).unwrap()
}

/// Commits one event to a store and to a model, which agree.
fn commit(store: &MemoryStore, model: &mut Model, origin: Origin, event: &Event) -> Committed {
    let event = event.admitted(origin.received).expect("vectors are valid");
    let batch = Batch { origin, events: &[event], rejects: &[] };
    let mut results = block_on(store.commit(&batch)).unwrap();
    assert_eq!(model.commit(&batch), results);
    results.remove(0)
}

#[test]
fn registers() {
    let cases = register();
    assert!(!cases.is_empty());
    for case in &cases {
        check_register(case);
    }
}

fn check_register(case: &RegisterCase) {
    let limits = Limits::default();
    let (store, mut model) = (MemoryStore::new(), Model::new(limits.clone()));
    for (index, write) in case.writes.iter().enumerate() {
        let received = write.receive_time_ms.unwrap_or(write.time_ms);
        let origin = owned_origin(PROJECT, millis(received));
        let event = register_event(write);
        let what = match commit(&store, &mut model, origin, &event) {
            Committed::Merged(effects) => effects.as_slice()[0].as_str().to_owned(),
            Committed::Duplicate { conflict: false } => "duplicate".to_owned(),
            Committed::Duplicate { conflict: true } => "duplicate(conflict)".to_owned(),
            Committed::Erased => "erased".to_owned(),
        };
        assert_eq!(what, case.effects[index], "{}: effect {index}", case.name);
        if let Some(notes) = &case.notes {
            let admitted = event.admitted(origin.received).unwrap();
            let told: Vec<&str> = admitted.notes.iter().map(Note::as_str).collect();
            assert_eq!(told, notes[index], "{}: notes {index}", case.name);
        }
    }
    let profile = block_on(store.profile(PROJECT, RawId::User("user"))).unwrap().unwrap();
    let held = profile.registers.get("flag").unwrap();
    assert_eq!(held.variant(), case.last.as_deref(), "{}", case.name);
    if let Some(key) = &case.final_experiment_key {
        assert_eq!(held.version().experiment_key, key, "{}", case.name);
    }
    let (_, properties) = model.properties(PROJECT, RawId::User("user"));
    assert_eq!(properties.get("flag"), case.last.as_ref(), "{}: the model", case.name);
}

fn register_event(write: &RegisterWrite) -> Event {
    let text = |text: &Option<String>| text.as_deref().map(intern);
    Event {
        user: Some("user"),
        time: EventTime::At(millis(write.time_ms)),
        sequence: write.sequence,
        insert_id: text(&write.insert_id),
        body: Body::Exposure(Exposure {
            flag_key: Some("flag"),
            variant: text(&write.variant),
            experiment_key: text(&write.experiment_key),
            ..Exposure::default()
        }),
        ..Event::default()
    }
}

#[test]
fn owners() {
    let cases = identity();
    assert!(!cases.is_empty());
    for case in &cases {
        let n = case.events.len();
        for rotation in 0..n {
            let mut order: Vec<usize> = (0..n).collect();
            order.rotate_left(rotation);
            check_owners(case, &order);
            order.reverse();
            check_owners(case, &order);
        }
    }
}

fn check_owners(case: &IdentityCase, order: &[usize]) {
    let limits = Limits::default();
    let (store, mut model) = (MemoryStore::new(), Model::new(limits.clone()));
    for &index in order {
        let event = &case.events[index];
        let flag = format!("flag-{index}");
        let time = millis(event.time_ms);
        let shown = |user: &str, flag: &str| Event::exposure(user, flag, Some("on"), time);
        let event = match (&event.user_id, &event.device_id) {
            (Some(user), Some(device)) => shown(user, &flag).on_device(device),
            (Some(user), None) => shown(user, &flag),
            (None, device) => shown("", &flag).anonymous(device.as_deref().unwrap()),
        };
        commit(&store, &mut model, owned_origin(PROJECT, time), &event);
    }
    for (index, owner) in case.owner.iter().enumerate() {
        let name = format!("{}: owner of event {index} after {order:?}", case.name);
        let event = &case.events[index];
        if let (None, Some(device)) = (&event.user_id, &event.device_id) {
            let time = millis(event.time_ms);
            let found = owner_of(&store, PROJECT, device, time, &limits);
            assert_eq!(block_on(found).unwrap().to_string(), *owner, "{name}");
        }
        let flag = format!("flag-{index}");
        let owner = exposure_core::parse_owner(owner).unwrap();
        let found = properties(&store, PROJECT, owner, &limits);
        let (answered, registers) = block_on(found).unwrap();
        assert_eq!(answered, owner.to_owner(), "{name}");
        assert_eq!(registers.get(&flag).and_then(|r| r.variant()), Some("on"), "{name}");
        let shown = model.flag_exposures(PROJECT, &flag, None);
        assert_eq!((shown.profiles, shown.jumpers), (1, 0), "{name}");
        let owners: Vec<Owner> = model.with_property(PROJECT, &flag, "on").into_iter().collect();
        assert_eq!(owners, [owner.to_owner()], "{name}: the model");
    }
    assert_eq!(model.owners(PROJECT).len() as u64, case.unique_profiles, "{}", case.name);
}
