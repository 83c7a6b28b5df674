//! A body of another sender's.

use exposure_core::{Admission, Rules, Timestamp, admit};
use exposure_formats::{Arena, Protocol, Request};

use super::counted::{Part, Result, only_this_is_counted};
use super::events::uuid;

pub(crate) const PARTS: &[Part] = &[
    Part { name: "amplitude-read-1000", n_events: 1000, run: || upload(false) },
    Part { name: "amplitude-read-and-admit-1000", n_events: 1000, run: || upload(true) },
];

/// A thousand exposures as Amplitude's SDK for node sends them.
fn body() -> Vec<u8> {
    let event = |n: u64| {
        format!(
            r#"{{"user_id":"user-{:010}","event_type":"[Experiment] Exposure","event_properties":{{"flag_key":"experiment-{:04}","variant":"variant1","metadata":{{"evaluationId":"1174352196_1784719","segmentName":"All Other Users"}}}},"time":{},"insert_id":"{}","library":"amplitude-node-ts/1.5.26","partner_id":""}}"#,
            n % 997,
            n % 10,
            1_795_345_731_891 + n,
            uuid(n)
        )
    };
    let events: Vec<_> = (0..1000).map(event).collect();
    format!(
        r#"{{"api_key":"0123456789abcdef0123456789abcdef","events":[{}],"options":{{}},"client_upload_time":"2026-11-22T11:08:56.796Z"}}"#,
        events.join(",")
    )
    .into_bytes()
}

fn upload(admits: bool) -> Result<()> {
    let body = body();
    let request = Request {
        method: "POST",
        path: "/2/httpapi",
        query: "",
        headers: &(),
        body: &body,
        received: Timestamp::from_micros(1_795_345_740_000_000),
    };
    let mut n_good = 0;
    only_this_is_counted(&mut || {
        let Some(protocol) = Protocol::of(&request) else { return };
        let arena = Arena::new();
        let Ok(upload) = protocol.read(&request, &arena) else { return };
        let rules = Rules::new(protocol.dialect(), request.received);
        let good = upload.events.iter().flatten().filter(|incoming| {
            !admits || matches!(admit(incoming, &rules), Ok(Admission::Event(_)))
        });
        n_good = good.count();
    });
    if n_good == 1000 { Ok(()) } else { Err("not every event was read".into()) }
}
