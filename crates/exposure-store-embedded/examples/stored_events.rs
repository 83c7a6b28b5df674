//! Writes stored events into a directory, looks profiles up and merges, and says how long each took.
//!
//! `cargo run --release -p exposure-store-embedded --example stored_events -- DIR [ROWS]`
//!
//! What it leaves can be read by anything that reads Parquet:
//! `SELECT flag_key, variant, count(*) FROM 'DIR/events/*.parquet' GROUP BY ALL`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use exposure_core::{Kind, Notes, RawId, Timestamp};
use exposure_store::{KeyId, ProjectId};
use exposure_store_embedded::disk::RealDisk;
use exposure_store_embedded::events::{
    Events, EventsOptions, ExposedRef, IdRef, Retention, RowBatch, RowRef, Unpaced, WritesRef,
};

const N_USERS: u64 = 200_000;
const N_FLAGS: u64 = 200;
const N_FILES: u64 = 4;

/// Seconds of processor time so far, where the system tells; else of the clock since `began`.
fn seconds(began: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next().and_then(|first| first.parse().ok()));
    nanos.map_or_else(|| began.elapsed().as_secs_f64(), |nanos: f64| nanos / 1e9)
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn uuid(seed: u64) -> String {
    let (a, b) = (mix(seed), mix(seed ^ 0x5555));
    let (first, second, third) = (a >> 32, a >> 16 & 0xFFFF, a & 0xFFFF);
    format!("{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", b >> 48, b & 0xFFFF_FFFF_FFFF)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("name a directory")?;
    let n_rows: u64 = arguments.next().map_or(Ok(2_000_000), |text| text.parse())?;
    let events = Events::open(Arc::new(RealDisk), Path::new(&dir), EventsOptions::default())?;
    let users: Vec<String> = (0..N_USERS).map(uuid).collect();
    let devices: Vec<String> = (0..N_USERS).map(|user| uuid(user | 1 << 40)).collect();
    let flags: Vec<String> = (0..N_FLAGS).map(|flag| format!("checkout-flow-{flag}")).collect();
    let start = events.converted();
    let mut batch = RowBatch::new();
    let clock = Instant::now();
    let (mut push, mut convert) = (0.0, 0.0);
    for file in 0..N_FILES {
        batch.clear();
        let from = start + file * n_rows / N_FILES;
        let to = start + (file + 1) * n_rows / N_FILES;
        let began = seconds(clock);
        for position in from..to {
            let random = mix(position);
            let pick = (random % N_USERS) as usize;
            let time = Timestamp::from_micros(1_700_000_000_000_000 + position as i64 * 1000);
            let (Some(user), Some(device)) = (users.get(pick), devices.get(pick)) else { continue };
            let Some(flag) = flags.get((random >> 32) as usize % flags.len()) else { continue };
            batch.push(&RowRef {
                project: ProjectId(1),
                user: Some(IdRef::parse(user)),
                device: random.is_multiple_of(8).then(|| IdRef::parse(device)),
                kind: Kind::Exposure,
                event_type: "[Experiment] Exposure",
                exposed: Some(ExposedRef {
                    flag,
                    experiment_key: "",
                    variant: Some(if random >> 20 & 1 == 0 { "control" } else { "treatment" }),
                }),
                writes_exposed: true,
                time,
                received: time.plus_micros(50),
                sequence: 0,
                insert_id: None,
                writes: WritesRef::NONE,
                effects: if random.is_multiple_of(3) { "set" } else { "same" },
                payload: b"",
                key: KeyId(1),
                library: "example/1.0",
                notes: Notes::default(),
                position,
            });
        }
        push += seconds(clock) - began;
        let began = seconds(clock);
        events.convert(&batch, from..to, &Unpaced)?;
        convert += seconds(clock) - began;
    }
    let per_row = |seconds: f64| seconds * 1e9 / n_rows as f64;
    println!("push {:.0} ns/row, convert {:.0} ns/row", per_row(push), per_row(convert));
    println!("{:?}", events.stats());
    measure_lookups(&events, &users)?;
    let began = seconds(clock);
    while events.merge(&Retention::ALL, &Unpaced)? {}
    println!("merge {:.0} ns/row", per_row(seconds(clock) - began));
    events.remove_gone(&Unpaced)?;
    println!("{:?}", events.stats());
    measure_lookups(&events, &users)?;
    let began = seconds(clock);
    events.verify()?;
    println!("verify {:.0} ns/row", per_row(seconds(clock) - began));
    Ok(())
}

fn measure_lookups(events: &Events, users: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let mut times = Vec::new();
    let mut n_found = 0;
    for i in 0..2000_u64 {
        let Some(user) = users.get((mix(i ^ 0xABCD) % N_USERS) as usize) else { continue };
        let began = Instant::now();
        n_found += events.lookup(ProjectId(1), RawId::User(user))?.len();
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or(0.0);
    println!("look-up p50 {:.0} us, p99 {:.0} us, {n_found} events", at(50), at(99));
    Ok(())
}
