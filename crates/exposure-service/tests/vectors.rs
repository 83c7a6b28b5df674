//! The rules as data, through the service with its clock injected.
#![cfg(test)]

mod common;

use std::borrow::Cow;

use common::{Bench, NOW};
use exposure_core::{
    Body, Effect, ErrorCode, EventTime, Exposure, Incoming, Metadata, Note, Outcome, Rejection,
    Timestamp,
};
use exposure_service::{IngestRequest, Page, ProfileRef, Refused, RejectFilter};
use exposure_store::suite::history::{Event, intern};
use exposure_testkit::{block_on, vectors};
use serde_json::Value;

fn millis(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms).expect("a time that fits")
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { effects, .. } => match effects.as_slice() {
            [] => "accepted without effect".to_owned(),
            effects => effects.iter().copied().map(Effect::as_str).collect::<Vec<_>>().join(","),
        },
        Outcome::Duplicate { conflict: true } => "duplicate(conflict)".to_owned(),
        Outcome::Duplicate { conflict: false } => "duplicate".to_owned(),
        Outcome::Rejected(_) => "rejected".to_owned(),
    }
}

#[test]
fn registers() {
    for case in vectors::register() {
        let bench = Bench::new();
        bench.clock.set(millis(1_700_000_000_000));
        for (index, write) in case.writes.iter().enumerate() {
            if let Some(received) = write.receive_time_ms {
                bench.clock.set(millis(received));
            }
            let mut event =
                Event::exposure("user-1", "flag", write.variant.as_deref(), millis(write.time_ms));
            event.sequence = write.sequence;
            event.insert_id = write.insert_id.as_deref().map(intern);
            if let Body::Exposure(exposure) = &mut event.body {
                exposure.experiment_key = write.experiment_key.as_deref().map(intern);
            }
            let outcomes = bench.send(&[event]);
            assert_eq!(told(&outcomes[0]), case.effects[index], "{} [{index}]", case.name);
            if let (Some(notes), Outcome::Accepted { notes: found, .. }) =
                (&case.notes, &outcomes[0])
            {
                let found: Vec<_> = found.iter().map(Note::as_str).collect();
                assert_eq!(found, notes[index], "{} [{index}]", case.name);
            }
        }
        let user = ProfileRef { user_id: Some("user-1"), device_id: None };
        let (found, _) = block_on(bench.handle.properties(&bench.caller, user)).unwrap();
        let property = found.properties.first();
        assert_eq!(property.map(|p| &*p.variant), case.last.as_deref(), "{}", case.name);
        if let Some(run) = &case.final_experiment_key {
            let found = property.and_then(|p| p.experiment_key.as_deref());
            assert_eq!(found, Some(run.as_str()), "{}", case.name);
        }
        let page = Page::default();
        let explained = block_on(bench.handle.explain(&bench.caller, user, "flag", &page)).unwrap();
        assert_eq!(explained.variant.as_deref(), case.last.as_deref(), "{}", case.name);
        let n_duplicates = case.effects.iter().filter(|e| e.starts_with("duplicate")).count();
        assert_eq!(explained.duplicates.count, n_duplicates as u64, "{}", case.name);
        let n_writes = explained.lost.len() + usize::from(explained.decided_by.is_some());
        assert_eq!(n_writes + n_duplicates, case.writes.len(), "{}", case.name);
    }
}

#[test]
fn identities() {
    for case in vectors::identity() {
        let forward: Vec<usize> = (0..case.events.len()).collect();
        let backward: Vec<usize> = forward.iter().rev().copied().collect();
        let odd_first = forward.iter().copied().filter(|i| i % 2 == 1);
        let shuffled: Vec<usize> =
            odd_first.chain(forward.iter().copied().filter(|i| i % 2 == 0)).collect();
        for order in [forward, backward, shuffled] {
            let bench = Bench::new();
            for &index in &order {
                let event = &case.events[index];
                // Each event has a flag of its own, which tells afterwards whose it is.
                let flag = format!("flag-{index}");
                let mut sent = Event::exposure("", &flag, Some("on"), millis(event.time_ms));
                sent.user = event.user_id.as_deref().map(intern);
                sent.device = event.device_id.as_deref().map(intern);
                if let Body::Exposure(exposure) = &mut sent.body {
                    exposure.experiment_key = Some("run");
                }
                assert_eq!(told(&bench.send(&[sent])[0]), "set");
            }
            let owners: Vec<String> = (0..case.events.len())
                .map(|index| {
                    let asked = exposure_service::ProfileQuery {
                        flag_key: format!("flag-{index}"),
                        ..Default::default()
                    };
                    let page = Page::default();
                    let found =
                        block_on(bench.handle.list_profiles(&bench.caller, &asked, &page)).unwrap();
                    let found: Vec<_> = found.items.iter().map(|p| p.profile.to_string()).collect();
                    found.join(" ")
                })
                .collect();
            assert_eq!(owners, case.owner, "{} in order {order:?}", case.name);
            let distinct: std::collections::BTreeSet<_> = owners.iter().collect();
            assert_eq!(distinct.len() as u64, case.unique_profiles, "{}", case.name);
        }
    }
}

/// What our own interfaces make of an event of the vectors; a value of the wrong type is for
/// their own parsers to refuse.
fn native(event: &Value) -> Option<(Event, Vec<u8>)> {
    let text = |value: &Value| value.as_str().map(intern);
    let properties = &event["event_properties"];
    if properties["variant"].is_number() || event["time"].is_string() {
        return None;
    }
    let metadata = match &properties["metadata"] {
        Value::Null => Vec::new(),
        metadata => serde_json::to_vec(metadata).unwrap(),
    };
    let exposure = Exposure {
        flag_key: text(&properties["flag_key"]),
        variant: text(&properties["variant"]),
        experiment_key: text(&properties["experiment_key"]),
        ..Exposure::default()
    };
    let event = Event {
        user: text(&event["user_id"]),
        device: text(&event["device_id"]),
        time: event["time"].as_i64().map_or(EventTime::Missing, |ms| EventTime::At(millis(ms))),
        body: Body::Exposure(exposure),
        ..Event::default()
    };
    Some((event, metadata))
}

#[test]
fn validation() {
    let file: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/validation.json")).unwrap();
    let mut n_checked = 0;
    for case in file["cases"].as_array().unwrap() {
        let via: Vec<_> =
            case["via"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        if !via.contains(&"grpc") {
            continue;
        }
        let name = case["name"].as_str().unwrap();
        let Some((event, metadata)) = native(&case["event"]) else { panic!("{name} has a form") };
        let mut incoming = event.as_incoming();
        if let Body::Exposure(exposure) = &mut incoming.body {
            exposure.metadata =
                Metadata::parse(&metadata).expect("metadata of the vectors is good");
        }
        let bench = Bench::new();
        let events = [Ok::<Incoming<'_>, Refused<'_>>(incoming)];
        let request = IngestRequest::default();
        let receipt = block_on(bench.handle.ingest(&bench.caller, &request, events)).unwrap();
        let outcome = &receipt.outcomes()[0];
        assert_eq!(told(outcome), case["outcome"].as_str().unwrap(), "{name}");
        if let Outcome::Rejected(rejection) = outcome {
            assert_eq!(rejection.field, case["field"].as_str().unwrap(), "{name}");
            assert_eq!(rejection.code.as_str(), case["code"].as_str().unwrap(), "{name}");
            let filter = RejectFilter::default();
            let page = Page::default();
            let rejected =
                block_on(bench.handle.rejected_events(&bench.caller, &filter, &page)).unwrap();
            assert_eq!(rejected.items.len(), 1, "{name}");
            assert_eq!(rejected.items[0].code, rejection.code, "{name}");
            assert_eq!(rejected.items[0].field, rejection.field, "{name}");
        }
        if let (Some(notes), Outcome::Accepted { notes: found, .. }) =
            (case["notes"].as_array(), outcome)
        {
            let found: Vec<_> = found.iter().map(Note::as_str).collect();
            assert_eq!(notes.iter().filter_map(Value::as_str).collect::<Vec<_>>(), found, "{name}");
        }
        n_checked += 1;
    }
    assert!(n_checked > 20, "the vectors are there");
}

#[test]
fn refused_by_its_transport() {
    let bench = Bench::new();
    let rejection = Rejection::new(ErrorCode::TooDeep, "metadata", "nests too deep");
    let refused = Refused {
        user_id: "user-1",
        event: b"the bytes as they came",
        ..Refused::from(rejection.clone())
    };
    let good = Event::exposure("user-2", "flag", Some("on"), NOW);
    let events = [Err(refused), Ok(good.as_incoming())];
    let request = IngestRequest { library: "sdk/2", ..Default::default() };
    let receipt = block_on(bench.handle.ingest(&bench.caller, &request, events)).unwrap();
    assert_eq!(receipt.outcomes()[0], Outcome::Rejected(rejection));
    assert_eq!(told(&receipt.outcomes()[1]), "set");
    let page = Page::default();
    let rejected =
        block_on(bench.handle.rejected_events(&bench.caller, &RejectFilter::default(), &page))
            .unwrap();
    assert_eq!(rejected.items[0].user_id.as_deref(), Some("user-1"));
    assert_eq!(rejected.items[0].library, "sdk/2");
    assert_eq!(rejected.items[0].event, b"the bytes as they came");
    assert_eq!(Cow::Borrowed("nests too deep"), rejected.items[0].message);
}
