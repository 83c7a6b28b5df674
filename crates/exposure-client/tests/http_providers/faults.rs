//! Whatever goes wrong on the way: each good event ends up there once, and the account closes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use exposure_client::provider::{AmplitudeProvider, ExposureProvider, SegmentProvider};
use exposure_client::{DropReason, User, Variant};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scripted::{Received, Reply, Scripted};
use crate::support::{drained, quick};

/// What happens to a request instead of being answered well.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Refuse(u16),
    /// The key is not known, for once.
    Key,
    /// A page that says 200.
    Page,
    Drop,
    Garbage,
    Hang,
    /// It is taken, and the answer lost.
    TakeAndDrop,
    TakeAndTruncate,
    TakeAndRefuse(u16),
    /// More than three events are too many.
    TooLarge,
    /// Every other event is throttled.
    Throttle,
    /// A bad event is told without saying which.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Amplitude,
    Segment,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => prop::sample::select(vec![408, 500, 502, 503, 504, 401, 403]).prop_map(Fault::Refuse),
        4 => prop::sample::select(vec![500, 502, 504]).prop_map(Fault::TakeAndRefuse),
        2 => Just(Fault::Key),
        2 => Just(Fault::Page),
        2 => Just(Fault::Drop),
        2 => Just(Fault::Garbage),
        1 => Just(Fault::Hang),
        2 => Just(Fault::TakeAndDrop),
        2 => Just(Fault::TakeAndTruncate),
        2 => Just(Fault::TooLarge),
        2 => Just(Fault::Throttle),
        2 => Just(Fault::Silent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn amplitude_gets_each_event_once(
        faults in prop::collection::vec(fault(), 0..8),
        bad in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        check(Format::Amplitude, faults, &bad);
    }

    #[test]
    fn segment_gets_each_event_once(
        faults in prop::collection::vec(fault(), 0..8),
        bad in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        check(Format::Segment, faults, &bad);
    }
}

fn check(format: Format, faults: Vec<Fault>, bad: &[bool]) {
    // By insert id, the users of what was taken; and all ids that ever came.
    let taken = Arc::new(Mutex::new(BTreeMap::new()));
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let faults = Mutex::new(VecDeque::from(faults));
    let (taking, seeing) = (Arc::clone(&taken), Arc::clone(&seen));
    let server = Scripted::start(move |received| {
        let events = events(format, received);
        seeing.lock().unwrap().extend(events.iter().map(|event| event.insert_id.clone()));
        let take = || {
            let good = events.iter().filter(|event| !event.is_bad);
            let mut taken = taking.lock().unwrap();
            taken.extend(good.map(|event| (event.insert_id.clone(), event.user_id.clone())));
        };
        let fault = faults.lock().unwrap().pop_front();
        if let Some(Fault::TakeAndDrop | Fault::TakeAndTruncate | Fault::TakeAndRefuse(_)) = fault {
            take();
        }
        match fault {
            Some(Fault::Refuse(status) | Fault::TakeAndRefuse(status)) => {
                Reply::at_once(status, &json!({"code": status}))
            }
            // A revoked key loses nothing that can be delivered once it is put right.
            Some(Fault::Key) => match format {
                Format::Amplitude => {
                    let error = "Invalid API key: key";
                    Reply::at_once(400, &json!({"code": 400, "error": error}))
                }
                Format::Segment => Reply::at_once(401, &json!({"code": "invalid_request"})),
            },
            Some(Fault::Page) => {
                Reply::Answer(200, "content-type: text/html\r\n".into(), "<p>Log in</p>".into())
            }
            Some(Fault::Drop | Fault::TakeAndDrop) => Reply::Drop,
            Some(Fault::Garbage) => Reply::Garbage,
            Some(Fault::Hang) => Reply::Hang,
            Some(Fault::TakeAndTruncate) => Reply::Truncated,
            Some(Fault::TooLarge) if 3 < events.len() => Reply::at_once(413, &json!({"code": 413})),
            Some(Fault::Throttle) => throttled(format, events.len()),
            _ => {
                let refusal = refused(format, &events, matches!(fault, Some(Fault::Silent)));
                refusal.unwrap_or_else(|| {
                    take();
                    Reply::json(200, &json!({"code": 200, "success": true}))
                })
            }
        }
    });
    let provider: Box<dyn ExposureProvider> = match format {
        Format::Amplitude => Box::new(
            AmplitudeProvider::builder("key").url(server.url("/2/httpapi")).build().unwrap(),
        ),
        Format::Segment => {
            Box::new(SegmentProvider::builder("key").url(server.url("/v1/batch")).build().unwrap())
        }
    };
    let (source, client) = quick(Arc::<dyn ExposureProvider>::from(provider));
    source.set("good", Variant::new("on"));
    source.set("bad", Variant::new("on"));
    for (number, &is_bad) in bad.iter().enumerate() {
        let user = User::new(format!("user-{number}"));
        client.variant(&user, if is_bad { "bad" } else { "good" });
    }
    let account = drained(&client);
    let n_bad = bad.iter().filter(|&&is_bad| is_bad).count();
    let n_good = bad.len() - n_bad;
    assert_eq!(account.delivered, n_good as u64, "{account:?}");
    assert_eq!(account.dropped.get(DropReason::Rejected), n_bad as u64, "{account:?}");
    assert_eq!(seen.lock().unwrap().len(), bad.len(), "an exposure keeps its insert id");
    let taken = taken.lock().unwrap();
    let users: BTreeSet<_> = taken.values().collect();
    assert_eq!((taken.len(), users.len()), (n_good, n_good), "one event for each user");
}

struct Event {
    insert_id: String,
    user_id: String,
    is_bad: bool,
}

fn events(format: Format, received: &Received) -> Vec<Event> {
    let (list, insert_id, user_id, properties) = match format {
        Format::Amplitude => ("events", "insert_id", "user_id", "event_properties"),
        Format::Segment => ("batch", "messageId", "userId", "properties"),
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let events = received.json[list].as_array().unwrap().iter();
    let event = |event: &Value| Event {
        insert_id: text(&event[insert_id]),
        user_id: text(&event[user_id]),
        is_bad: event[properties]["flag_key"] == "bad",
    };
    events.map(event).collect()
}

/// A request with a bad event is refused as a whole, as real receivers do.
fn refused(format: Format, events: &[Event], is_silent: bool) -> Option<Reply> {
    let indexes = events.iter().enumerate().filter(|(_, event)| event.is_bad);
    let indexes: Vec<usize> = indexes.map(|(index, _)| index).collect();
    if indexes.is_empty() {
        return None;
    }
    let mut body = json!({"code": 400, "error": "Invalid field values on some events"});
    if format == Format::Amplitude && !is_silent {
        body["events_with_invalid_fields"] = json!({"flag_key": indexes});
    }
    Some(Reply::json(400, &body))
}

fn throttled(format: Format, n_events: usize) -> Reply {
    let indexes: Vec<usize> = (0..n_events).step_by(2).collect();
    match format {
        Format::Amplitude => {
            Reply::at_once(429, &json!({"code": 429, "throttled_events": indexes}))
        }
        Format::Segment => Reply::at_once(429, &json!({})),
    }
}
