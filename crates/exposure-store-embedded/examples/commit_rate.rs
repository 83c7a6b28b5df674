//! How many events a second a store commits, and what they take: `commit_rate DIR REGISTERS SECONDS`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for a terminal")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use exposure_core::{
    Admitted, FlagKey, Ids, InsertId, Kind, Notes, Subject, Timestamp, UserId, Variant,
};
use exposure_store::{Batch, KeyId, Origin, ProjectId, Store};
use exposure_store_embedded::{EmbeddedStore, Options};

const NOW: i64 = 1_800_000_000_000_000;

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap();
    let registers: u64 = args.next().unwrap().parse().unwrap();
    let seconds: u64 = args.next().unwrap().parse().unwrap();
    let start = Instant::now();
    let store =
        Arc::new(EmbeddedStore::open(Options::new(dir), Timestamp::from_micros(NOW)).unwrap());
    println!("open: {:?}", start.elapsed());
    let next = Arc::new(AtomicU64::new(0));
    let profiles = store.stats().values.iter().find(|(name, _)| *name == "profiles").unwrap().1;
    if profiles * 10 < registers {
        let start = Instant::now();
        run(&store, &next, registers, Some(registers), Duration::from_hours(1));
        println!(
            "load: {:?} {} events/s",
            start.elapsed(),
            registers as f64 / start.elapsed().as_secs_f64()
        );
    }
    next.store(registers + u64::from(std::process::id()) * 1_000_000_000, Ordering::Relaxed);
    let start = Instant::now();
    let from = next.load(Ordering::Relaxed);
    run(&store, &next, registers, None, Duration::from_secs(seconds));
    let n = next.load(Ordering::Relaxed) - from;
    println!("run: {} events/s", n as f64 / start.elapsed().as_secs_f64());
    for (name, value) in store.stats().values {
        println!("{name} {value}");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmRSS")).unwrap());
}

/// Two threads commit batches of a thousand; register `i` is flag `i % 10` of user `i / 10`, in a mixed order.
fn run(
    store: &Arc<EmbeddedStore>,
    next: &Arc<AtomicU64>,
    registers: u64,
    until: Option<u64>,
    time: Duration,
) {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let flags: Vec<String> =
                    (0..10).map(|flag| format!("experiment-{flag:04}")).collect();
                while start.elapsed() < time {
                    let from = next.fetch_add(1000, Ordering::Relaxed);
                    if until.is_some_and(|until| from >= until) {
                        break;
                    }
                    let texts: Vec<(String, String)> = (from..from + 1000)
                        .map(|i| {
                            let register = i.wrapping_mul(0x9E37_79B1) % registers;
                            let id = u128::from(i)
                                .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
                            let hex = format!("{id:032x}");
                            let uuid = format!(
                                "{}-{}-{}-{}-{}",
                                &hex[..8],
                                &hex[8..12],
                                &hex[12..16],
                                &hex[16..20],
                                &hex[20..]
                            );
                            (format!("user-{:010}", register / 10), uuid)
                        })
                        .collect();
                    let events: Vec<Admitted<'_>> = texts
                        .iter()
                        .zip(from..)
                        .map(|((user, insert_id), i)| Admitted {
                            ids: Ids::User(UserId::trusted(user)),
                            time: Timestamp::from_micros(NOW + i as i64),
                            sequence: 0,
                            insert_id: Some(InsertId::trusted(insert_id)),
                            subject: Subject::Exposure {
                                kind: Kind::Exposure,
                                flag: FlagKey::trusted(
                                    &flags[(i.wrapping_mul(0x9E37_79B1) % registers % 10) as usize],
                                ),
                                variant: Some(Variant::trusted("variant1")),
                                experiment_key: None,
                                writes: true,
                            },
                            extra: Vec::new(),
                            payload: &[],
                            notes: Notes::default(),
                            library: "",
                        })
                        .collect();
                    let now = Timestamp::from_micros(NOW);
                    let origin =
                        Origin { project: ProjectId(1), key: KeyId(1), received: now, now };
                    futures::executor::block_on(store.commit(&Batch {
                        origin,
                        events: &events,
                        rejects: &[],
                    }))
                    .unwrap();
                }
            });
        }
    });
}
