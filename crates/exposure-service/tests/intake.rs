//! Intake: one outcome for each event, in order, and every bound.
#![cfg(test)]

mod common;

use std::sync::Barrier;
use std::time::Duration;

use common::{Bench, NOW, at};
use exposure_core::{
    Body, Dialect, Effect, ErrorCode, EventTime, Kind, Limits, Note, Outcome, PropertyChange,
    Rejection,
};
use exposure_service::{
    Caller, IngestRequest, Page, Receipt, Refused, RejectFilter, Scope, Settings,
};
use exposure_store::Store;
use exposure_store::suite::history::Event;
use exposure_testkit::block_on;

fn set(user: &str, flag: &str, variant: &str, ms: i64) -> Event {
    Event::exposure(user, flag, Some(variant), at(ms))
}

fn code(outcome: &Outcome) -> Option<ErrorCode> {
    match outcome {
        Outcome::Rejected(rejection) => Some(rejection.code),
        Outcome::Accepted { .. } | Outcome::Duplicate { .. } => None,
    }
}

fn effects(outcome: &Outcome) -> &[Effect] {
    match outcome {
        Outcome::Accepted { effects, .. } => effects.as_slice(),
        other => panic!("not accepted: {other:?}"),
    }
}

fn limits(flags: usize) -> Settings {
    Settings { limits: Limits { flags, ..Limits::default() }, ..Settings::default() }
}

#[test]
fn outcomes_keep_the_order_of_the_events() {
    let bench = Bench::new();
    let mut untracked = set("ann", "flag", "off", 9);
    if let Body::Exposure(exposure) = &mut untracked.body {
        exposure.metadata = exposure_core::Metadata::parse(br#"{"trackExposure":false}"#).unwrap();
    }
    let bad = Rejection::new(ErrorCode::Invalid, "metadata", "is no JSON");
    let login = Event {
        changes: vec![
            PropertyChange { flag_key: "b", variant: Some("x") },
            PropertyChange { flag_key: "a", variant: None },
        ],
        ..Event::login("ann", "d1", at(3))
    };
    let events = [
        set("null", "flag", "on", 0),
        set("ann", "flag", "on", 1).with_insert_id("i"),
        untracked,
        set("ann", "flag", "on", 1).with_insert_id("i"),
        Event::exposure("", "flag", Some("on"), at(1)),
        login,
    ];
    let sent = std::iter::once(Err(Refused::from(bad.clone())))
        .chain(events.iter().map(|event| Ok(event.as_incoming())));
    let receipt: Receipt<'_> =
        block_on(bench.handle.ingest(&bench.caller, &IngestRequest::default(), sent)).unwrap();
    assert_eq!(receipt.len(), 7);
    let outcomes = receipt.outcomes();
    assert_eq!(outcomes[0], Outcome::Rejected(bad));
    assert_eq!(code(&outcomes[1]), Some(ErrorCode::Invalid));
    assert_eq!(effects(&outcomes[2]), [Effect::Set]);
    assert_eq!(effects(&outcomes[3]), []);
    assert_eq!(outcomes[4], Outcome::Duplicate { conflict: false });
    assert_eq!(code(&outcomes[5]), Some(ErrorCode::Missing));
    assert_eq!(effects(&outcomes[6]), [Effect::Set, Effect::Same]);
    let told: Vec<Vec<_>> =
        receipt.iter().map(|(outcome, event)| Receipt::effects(outcome, event).collect()).collect();
    let one = vec![("flag", Effect::Set)];
    let two = vec![("b", Effect::Set), ("a", Effect::Same)];
    assert_eq!(told, [vec![], vec![], one, vec![], vec![], vec![], two]);
    // What says of itself that it is no exposure is nowhere to be found.
    let usage = block_on(bench.store.usage(bench.caller.project(), i64::MIN, i64::MAX)).unwrap();
    assert_eq!(usage.iter().map(|row| row.events).sum::<u64>(), 2);
}

#[test]
fn a_set_creates_a_flag_and_an_unset_of_an_unknown_one_does_not() {
    let bench = Bench::with(limits(2));
    assert_eq!(code(&bench.send(&[set("ann", "one", "on", 1)])[0]), None);
    let unsets: Vec<_> =
        (0..5).map(|n| Event::exposure("ann", &format!("un-{n}"), None, at(2))).collect();
    assert!(bench.send(&unsets).iter().all(|outcome| code(outcome).is_none()));
    let group = br#"{"flagType":"mutual-exclusion-group"}"#;
    let mut of_group = set("ann", "group", "slot-1", 2);
    if let Body::Exposure(exposure) = &mut of_group.body {
        exposure.metadata = exposure_core::Metadata::parse(group).unwrap();
    }
    let outcomes = bench.send(&[
        of_group,
        set("ann", "two", "on", 3),
        set("ann", "three", "on", 3),
        set("bob", "two", "off", 3),
        Event::exposure("ann", "three", None, at(3)),
    ]);
    let codes: Vec<_> = outcomes.iter().map(code).collect();
    assert_eq!(codes, [None, None, Some(ErrorCode::FlagLimit), None, None]);
    // An assignment of one flag too many is refused as a whole, and keeps no place.
    let assignment = |flags: &[&'static str]| Event {
        user: Some("ann"),
        time: EventTime::At(at(4)),
        body: Body::Assignment { payload: b"" },
        changes: flags
            .iter()
            .map(|flag_key| PropertyChange { flag_key, variant: Some("on") })
            .collect(),
        ..Event::default()
    };
    let outcomes = bench.send(&[assignment(&["one", "three"]), assignment(&["one", "two"])]);
    assert_eq!(code(&outcomes[0]), Some(ErrorCode::FlagLimit));
    assert_eq!(effects(&outcomes[1]), [Effect::Same, Effect::Same]);
    // And so it is after a restart.
    let again = bench.reopen();
    let outcomes = again.send(&[set("ann", "three", "on", 5), set("ann", "one", "off", 5)]);
    assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), [Some(ErrorCode::FlagLimit), None]);
}

#[test]
fn a_place_that_is_not_used_is_given_back() {
    let bench = Bench::with(limits(2));
    bench.send(&[set("ann", "one", "on", 1).with_insert_id("i")]);
    // A duplicate stores nothing, so its flag is none.
    let outcomes = bench.send(&[set("ann", "two", "on", 1).with_insert_id("i")]);
    assert_eq!(outcomes[0], Outcome::Duplicate { conflict: true });
    assert_eq!(code(&bench.send(&[set("ann", "three", "on", 1)])[0]), None);
    assert_eq!(code(&bench.send(&[set("ann", "two", "on", 1)])[0]), Some(ErrorCode::FlagLimit));
    // Nor has a batch that is too large taken one, nor one that is dropped.
    let bench = Bench::with(Settings { max_batch_events: 2, ..limits(1) });
    let three = [set("a", "x", "on", 1), set("a", "y", "on", 1), set("a", "z", "on", 1)];
    assert_eq!(bench.try_send(&three).unwrap_err().code, ErrorCode::BatchTooLarge);
    let request = IngestRequest::default();
    let dropped = bench
        .handle
        .prepare(&bench.caller, &request, three[..1].iter().map(|e| Ok(e.as_incoming())))
        .unwrap();
    assert_eq!(code(&bench.send(&[three[1].clone()])[0]), Some(ErrorCode::FlagLimit));
    drop(dropped);
    assert_eq!(code(&bench.send(&[three[1].clone()])[0]), None);
}

#[test]
fn two_batches_at_once_do_not_pass_the_limit() {
    const N_THREADS: usize = 8;
    const N_FLAGS: usize = 50;
    let bench = Bench::with(limits(N_FLAGS));
    let barrier = Barrier::new(N_THREADS);
    let n_accepted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..N_THREADS)
            .map(|thread| {
                let (bench, barrier) = (&bench, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    let mut accepted = Vec::new();
                    for n in 0..N_FLAGS {
                        // Some flags are everybody's, most are one's own.
                        let flag =
                            if n % 5 == 0 { format!("all-{n}") } else { format!("{thread}-{n}") };
                        let outcomes = bench.send(&[set("ann", &flag, "on", 1)]);
                        if code(&outcomes[0]).is_none() {
                            accepted.push(flag);
                        }
                    }
                    accepted
                })
            })
            .collect();
        let flags: std::collections::BTreeSet<_> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        flags.len()
    });
    let flags = block_on(bench.store.flags(bench.caller.project())).unwrap();
    assert_eq!((n_accepted, flags.len()), (N_FLAGS, N_FLAGS));
}

#[test]
fn a_retired_flag_frees_its_place_and_may_come_back() {
    let bench = Bench::with(limits(2));
    bench.send(&[set("ann", "one", "on", 1), set("ann", "two", "on", 1)]);
    let retire = |flag: &str| block_on(bench.handle.retire_flag(&bench.caller, flag));
    assert_eq!(retire("none").unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(retire("one"), Ok(1));
    assert_eq!(retire("one"), Ok(1), "once more changes nothing");
    let listed = |bench: &Bench| {
        let flags = block_on(bench.handle.list_flags(&bench.caller, &Page::default())).unwrap();
        flags.items.iter().map(|flag| flag.flag_key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&bench), ["two"]);
    let bench = bench.reopen();
    assert_eq!(listed(&bench), ["two"]);
    let outcomes = bench.send(&[set("ann", "three", "on", 2), set("ann", "one", "on", 2)]);
    assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), [None, Some(ErrorCode::FlagLimit)]);
    assert_eq!(block_on(bench.handle.retire_flag(&bench.caller, "two")), Ok(1));
    bench.clock.advance(1000);
    assert_eq!(effects(&bench.send(&[set("ann", "one", "off", 3)])[0]), [Effect::Set]);
    assert_eq!(listed(&bench), ["one", "three"]);
    assert_eq!(listed(&bench.reopen()), ["one", "three"]);
}

#[test]
fn names_past_their_limit_are_counted_together() {
    let settings = Settings {
        limits: Limits { event_types: 2, libraries: 2, ..Limits::default() },
        ..Settings::default()
    };
    let track = |name: &'static str, library: &'static str| Event {
        user: Some("ann"),
        body: Body::Outcome { kind: Kind::Track, event_type: Some(name), payload: b"" },
        library,
        ..Event::default()
    };
    let counted = |bench: &Bench| {
        let rows = block_on(bench.handle.usage(&bench.caller, None, None, &Page::default()));
        let mut rows: Vec<_> = rows
            .unwrap()
            .items
            .into_iter()
            .map(|row| {
                (row.event_type.to_string(), row.library.to_string(), row.events, row.billable)
            })
            .collect();
        rows.sort();
        rows
    };
    let row = |name: &str, library: &str, n: u64, billable: u64| {
        (name.to_owned(), library.to_owned(), n, billable)
    };
    let bench = Bench::with(settings);
    bench.send(&[
        track("buy", "a"),
        track("click", "b"),
        track("scroll", "c"),
        track("buy", ""),
        Event { library: "d", ..set("ann", "flag", "on", 1) },
    ]);
    let expected = vec![
        row("(other)", "(other)", 1, 1),
        row("[Experiment] Exposure", "(other)", 1, 0),
        row("buy", "", 1, 1),
        row("buy", "a", 1, 1),
        row("click", "b", 1, 1),
    ];
    assert_eq!(counted(&bench), expected);
    let again = bench.reopen();
    again.send(&[track("scroll", "a"), track("click", "c")]);
    let mut expected = expected;
    expected.extend([row("(other)", "a", 1, 1), row("click", "(other)", 1, 1)]);
    expected.sort();
    assert_eq!(counted(&again), expected);
    // The library of the request stands for events that name none.
    let request = IngestRequest { library: "b", ..Default::default() };
    again.send_as(&again.caller, &request, &[track("buy", "")]).unwrap();
    assert!(counted(&again).contains(&row("buy", "b", 1, 1)));
}

#[test]
fn what_is_too_much_is_refused_and_says_when_to_come_back() {
    let settings = Settings {
        max_batch_events: 3,
        max_in_flight_bytes: 1000,
        retry_after: Duration::from_millis(70),
        ..Settings::default()
    };
    let bench = Bench::with(settings);
    let events = vec![set("ann", "flag", "on", 1); 4];
    let error = bench.try_send(&events).unwrap_err();
    assert_eq!((error.code, error.is_retryable()), (ErrorCode::BatchTooLarge, false));
    assert_eq!(bench.send(&events[..3]).len(), 3);
    let request = |bytes| IngestRequest { bytes, ..Default::default() };
    let prepare = |bytes| {
        let events = events[..1].iter().map(|event| Ok(event.as_incoming()));
        bench.handle.prepare(&bench.caller, &request(bytes), events)
    };
    assert_eq!(prepare(1001).unwrap_err().code, ErrorCode::BatchTooLarge);
    let held = prepare(600).unwrap();
    let error = prepare(600).unwrap_err();
    assert_eq!(error.code, ErrorCode::ResourceExhausted);
    assert_eq!(error.retry_after, Some(Duration::from_millis(70)));
    block_on(bench.handle.commit(held)).unwrap();
    assert!(prepare(600).is_ok(), "the bytes are free again");
    assert!(bench.send(&[]).is_empty());
}

#[test]
fn an_import_needs_an_admin_key_and_tells_its_own_time() {
    let bench = Bench::new();
    let ingest = bench.key(&[Scope::Ingest]);
    let read = bench.key(&[Scope::Read]);
    let event = [Event { time: EventTime::Missing, ..set("ann", "flag", "on", 0) }];
    let plain = IngestRequest::default();
    let long_ago = NOW.plus_micros(-86_400_000_000);
    let import = IngestRequest { received: Some(long_ago), ..plain };
    let denied = |request: &IngestRequest<'_>, caller: &Caller| {
        bench.send_as(caller, request, &event).unwrap_err().code
    };
    assert_eq!(denied(&plain, &read), ErrorCode::PermissionDenied);
    assert_eq!(denied(&import, &ingest), ErrorCode::PermissionDenied);
    let marked = IngestRequest { is_import: true, ..plain };
    assert_eq!(denied(&marked, &ingest), ErrorCode::PermissionDenied);
    for wrong in [NOW.plus_micros(1), exposure_core::Timestamp::from_micros(0)] {
        let import = IngestRequest { received: Some(wrong), ..plain };
        assert_eq!(denied(&import, &bench.caller), ErrorCode::Invalid);
    }
    let outcomes = bench.send_as(&bench.caller, &import, &event).unwrap();
    assert!(
        matches!(outcomes[0], Outcome::Accepted { notes, .. } if notes.contains(Note::TimeMissing))
    );
    let user = exposure_service::ProfileRef { user_id: Some("ann"), device_id: None };
    let (found, _) = block_on(bench.handle.properties(&bench.caller, user)).unwrap();
    assert_eq!(found.properties[0].time, long_ago);
    let usage = block_on(bench.handle.usage(&bench.caller, None, None, &Page::default())).unwrap();
    assert_eq!(usage.items[0].day, "2023-11-13", "metered on the day of its first receipt");
    assert_eq!(bench.send_as(&ingest, &plain, &event).unwrap().len(), 1);
}

#[test]
fn the_shortest_id_is_that_of_the_dialect_the_request_or_the_project() {
    let bench = Bench::new();
    let new = exposure_service::NewProject {
        name: "strict".into(),
        settings: exposure_service::ProjectSettings { min_id_chars: Some(4), ..Default::default() },
        ..Default::default()
    };
    block_on(bench.handle.create_project(&bench.caller, new)).unwrap();
    let new = exposure_service::NewApiKey {
        project: "strict".into(),
        scopes: exposure_service::Scopes::all(),
        ..Default::default()
    };
    let (_, secret) = block_on(bench.handle.create_api_key(&bench.caller, new)).unwrap();
    let strict = bench.handle.authenticate(&secret).unwrap();
    let amplitude = IngestRequest { dialect: Dialect::Amplitude, ..Default::default() };
    let native = IngestRequest::default();
    let shorter =
        |request: IngestRequest<'static>, n| IngestRequest { min_id_chars: Some(n), ..request };
    for (caller, request, shortest) in [
        (&bench.caller, native, 1),
        (&bench.caller, amplitude, 5),
        (&bench.caller, shorter(amplitude, 2), 2),
        (&strict, native, 4),
        (&strict, amplitude, 5),
        (&strict, shorter(amplitude, 2), 4),
    ] {
        for n_chars in 1..7 {
            let event = set(&"é".repeat(n_chars), "flag", "on", 1);
            let outcomes = bench.send_as(caller, &request, &[event]).unwrap();
            let expected = (n_chars < shortest).then_some(ErrorCode::TooShort);
            assert_eq!(code(&outcomes[0]), expected, "{n_chars} of {shortest}");
        }
    }
}

#[test]
fn an_erased_user_stays_erased_and_nothing_of_it_is_kept() {
    let bench = Bench::new();
    bench.send(&[set("ann", "flag", "on", 1), set("ann", "flag", "on", 1).on_device("d1")]);
    bench.clock.advance(60_000_000);
    let erased = block_on(bench.handle.erase_user(&bench.caller, "ann")).unwrap();
    assert_eq!((erased.until, erased.devices), (bench.clock.now(), 1));
    let outcomes = bench.send(&[set("ann", "flag", "on", 2), set("bob", "flag", "on", 2)]);
    assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), [Some(ErrorCode::Erased), None]);
    bench.clock.advance(1);
    assert_eq!(effects(&bench.send(&[set("ann", "flag", "off", 60_001)])[0]), [Effect::Set]);
    let filter = RejectFilter { code: Some(ErrorCode::Erased), library: None };
    let rejected =
        block_on(bench.handle.rejected_events(&bench.caller, &filter, &Page::default())).unwrap();
    assert_eq!(rejected.items.len(), 1, "once in the log");
    assert_eq!(rejected.items[0].user_id, None, "and without the id");
    let denied = block_on(bench.handle.erase_user(&bench.key(&[Scope::Read]), "bob"));
    assert_eq!(denied.unwrap_err().code, ErrorCode::PermissionDenied);
}

#[test]
fn a_request_may_be_refused_as_a_whole() {
    let bench = Bench::new();
    let events = [set("ann", "flag", "on", 1), set("null", "flag", "on", 1), set("", "f", "on", 1)];
    let sent = events.iter().map(|event| Ok(event.as_incoming()));
    let prepared = bench.handle.prepare(&bench.caller, &IngestRequest::default(), sent).unwrap();
    assert_eq!(prepared.refused().map(|(index, _)| index).collect::<Vec<_>>(), [1, 2]);
    let receipt = block_on(bench.handle.commit(prepared.without_events())).unwrap();
    assert_eq!(receipt.len(), 2);
    assert_eq!(block_on(bench.store.flags(bench.caller.project())).unwrap().len(), 0);
    let senders = block_on(bench.handle.senders(&bench.caller, &Page::default())).unwrap();
    assert_eq!(senders.items[0].sent.accepted, 0);
    assert_eq!(senders.items[0].sent.rejected.iter().map(|(_, n)| n).sum::<u64>(), 2);
}

#[test]
fn a_closed_store_is_unavailable() {
    let bench = Bench::new();
    assert_eq!(bench.handle.write_refusal(), None);
    block_on(bench.handle.close()).unwrap();
    let error = bench.try_send(&[set("ann", "flag", "on", 1)]).unwrap_err();
    assert_eq!((error.code, error.is_retryable()), (ErrorCode::Unavailable, true));
    assert!(error.retry_after.is_some());
    assert_eq!(bench.handle.write_refusal().map(|error| error.code), Some(ErrorCode::Unavailable));
}
