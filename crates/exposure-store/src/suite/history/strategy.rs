use exposure_core::{Body, EventTime, Exposure, Kind, Metadata, PropertyChange};
use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;

use super::names::{DEVICES, EXPERIMENTS, FLAGS, INSERT_IDS, PROJECTS, START, USERS, VARIANTS};
use super::{Arrival, Event};
use crate::{KeyId, Origin};

const DAY: i64 = 86_400_000_000;

/// Events that are admitted: exposures above all, of users, devices and both.
pub fn event() -> impl Strategy<Value = Event> {
    let ids = prop_oneof![
        3 => select(&USERS[..]).prop_map(|user| (Some(user), None)),
        4 => select(&DEVICES[..]).prop_map(|device| (None, Some(device))),
        3 => (select(&USERS[..]), select(&DEVICES[..])).prop_map(|(u, d)| (Some(u), Some(d))),
    ];
    // A few moments, so that equal times are the rule.
    let time = prop_oneof![
        12 => (0_i64..6).prop_map(|ms| EventTime::At(START.plus_micros(ms * 1000))),
        1 => Just(EventTime::Missing),
        1 => Just(EventTime::OutOfRange),
    ];
    let sequence = prop_oneof![4 => Just(0_i64), 1 => -1_i64..3];
    let library = select(&["", "sdk/1.0"][..]);
    let insert_id = weighted(0.6, select(&INSERT_IDS[..]));
    (ids, time, sequence, insert_id, what(), library).prop_map(
        |((user, device), time, sequence, insert_id, (body, changes), library)| Event {
            user,
            device,
            time,
            sequence,
            insert_id,
            body,
            changes,
            library,
        },
    )
}

fn what() -> impl Strategy<Value = (Body<'static>, Vec<PropertyChange<'static>>)> {
    let payload = prop_oneof![Just(&b""[..]), Just(&b"{\"a\":1}"[..])];
    prop_oneof![
        8 => (exposure(), changes(0..2)).prop_map(|(body, changes)| (body, changes)),
        2 => (payload.clone(), changes(1..4))
            .prop_map(|(payload, changes)| (Body::Assignment { payload }, changes)),
        3 => (select(&[Kind::Identify, Kind::Group, Kind::Alias][..]), payload.clone(), changes(0..4))
            .prop_map(|(kind, payload, changes)| (Body::Identify { kind, payload }, changes)),
        2 => (
            select(&[Kind::Track, Kind::Page, Kind::Screen][..]),
            select(&["purchase", "click"][..]),
            payload,
            changes(0..2),
        )
            .prop_map(|(kind, name, payload, changes)| {
                (Body::Outcome { kind, event_type: Some(name), payload }, changes)
            }),
    ]
}

fn exposure() -> impl Strategy<Value = Body<'static>> {
    let group = &b"{\"flagType\":\"mutual-exclusion-group\"}"[..];
    let metadata = prop_oneof![
        6 => Just(&b""[..]),
        1 => Just(&b"{\"source\":\"local\"}"[..]),
        1 => Just(group),
    ];
    (
        select(&FLAGS[..]),
        weighted(0.75, select(&VARIANTS[..])),
        of(select(&EXPERIMENTS[..])),
        metadata,
        prop::bool::weighted(0.15),
    )
        .prop_map(|(flag, variant, experiment_key, metadata, impression)| {
            Body::Exposure(Exposure {
                flag_key: Some(flag),
                variant,
                experiment_key,
                metadata: Metadata::parse(metadata).unwrap_or_default(),
                impression,
            })
        })
}

fn changes(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<PropertyChange<'static>>> {
    let change = (select(&FLAGS[..]), weighted(0.7, select(&VARIANTS[..])));
    vec(change.prop_map(|(flag_key, variant)| PropertyChange { flag_key, variant }), n)
}

/// Events of two projects that arrive on two days, a few moments of receipt each.
pub fn arrival() -> impl Strategy<Value = Arrival> {
    let project = prop_oneof![3 => Just(PROJECTS[0]), 1 => Just(PROJECTS[1])];
    (project, 0_i64..2, 1_u32..3, event()).prop_map(|(project, day, key, event)| {
        let received = START.plus_micros(3_600_000_000 + day * DAY);
        let now = START.plus_micros(2 * DAY);
        Arrival { origin: Origin { project, key: KeyId(key), received, now }, event }
    })
}

/// What arrives, in order.
pub fn history(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Arrival>> {
    vec(arrival(), n)
}
