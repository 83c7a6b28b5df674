//! How fast intake is without a store: `cargo run --release -p exposure-service --example intake_speed`.
//!
//! One thread prepares batches of 1000 exposures (checks them, looks their flags up, builds
//! the batch) and drops them. On two shared cores with
//! rustc 1.95: 5.6 million events/s on one of them.

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exposure_core::{Body, EventTime, Exposure, Incoming, Timestamp};
use exposure_service::{Clock, Entropy, Handle, IngestRequest, Refused, Settings};
use exposure_store::memory::MemoryStore;
use exposure_testkit::block_on;

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000)
    }
}

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Arc::new(MemoryStore::new());
    let opened =
        Handle::open(store, Arc::new(Fixed), Arc::new(Fixed), Settings::default(), Some("key"));
    let (handle, _) = block_on(opened)?;
    let caller = handle.authenticate("key")?;
    let users: Vec<_> = (0..1000).map(|n| format!("user-{n:08}")).collect();
    let flags: Vec<_> = (0..50).map(|n| format!("flag-{n}")).collect();
    let ids: Vec<_> = (0..1000).map(|n| format!("0b9e6d1c-1111-2222-3333-{n:012}")).collect();
    let event = |n: usize| Incoming {
        user_id: Some(&users[n]),
        time: EventTime::At(Timestamp::from_micros(1_699_999_999_000_000 + n as i64)),
        insert_id: Some(&ids[n]),
        body: Body::Exposure(Exposure {
            flag_key: Some(&flags[n % flags.len()]),
            variant: Some("treatment"),
            ..Exposure::default()
        }),
        library: "sdk/1.0",
        ..Incoming::default()
    };
    let request = IngestRequest { bytes: 100_000, ..IngestRequest::default() };
    let events = || (0..1000).map(|n| Ok::<_, Refused<'_>>(event(n)));
    block_on(handle.ingest(&caller, &request, events()))?;
    let (started, mut n_events) = (Instant::now(), 0_u64);
    while started.elapsed() < Duration::from_secs(3) {
        n_events += black_box(handle.prepare(&caller, &request, events())?).len() as u64;
    }
    let per_second = n_events as f64 / started.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{:.1} million events/s on one core", per_second / 1e6)?;
    Ok(())
}
