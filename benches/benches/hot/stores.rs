//! The store's parts and the store: dedupe, log append, commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput};
use exposure_core::{Admission, Dialect, Rules, Timestamp, admit};
use exposure_proto::convert;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef};
use exposure_store::{Batch, KeyId, Origin, ProjectId, Store};
use exposure_store_embedded::disk::RealDisk;
use exposure_store_embedded::log::{Log, LogOptions};
use exposure_store_embedded::window::{self, Window};
use exposure_store_embedded::{EmbeddedStore, Options};
use futures::executor::block_on;

use super::events::{BEGIN, encoded};

pub(crate) fn all(criterion: &mut Criterion) {
    dedupe(criterion);
    append(criterion);
    commit(criterion);
}

fn dedupe(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let options = window::Options {
        generation_ids: 64 << 20,
        unflushed_max_ids: 128 << 20,
        ..window::Options::default()
    };
    let mut ids = Window::open(dir.path(), Arc::new(RealDisk), options, BEGIN).unwrap();
    let mut next = 0_u64;
    let mut group = criterion.benchmark_group("dedupe");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("new ids/1000", |bencher| {
        bencher.iter(|| {
            let keys: Vec<u128> = (next..next + 1000)
                .map(|n| u128::from(n).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
                .collect();
            next += 1000;
            for &key in &keys {
                ids.prefetch(key, 0);
            }
            for key in keys {
                let added = ids.check_and_add(key, 1, BEGIN, BEGIN, next, &mut 0).unwrap();
                assert_eq!(added, window::Outcome::New);
            }
        });
    });
    group.finish();
}

fn append(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let log =
        Log::open(Arc::new(RealDisk), dir.path(), LogOptions::default(), |_, _| Ok(())).unwrap();
    let payload = vec![7; 120_000];
    let mut group = criterion.benchmark_group("log append");
    group.throughput(Throughput::Elements(1000));
    group.sample_size(20);
    group.bench_function("1000 x 120 B, fdatasync", |bencher| {
        bencher.iter(|| {
            let base = log.lock().unwrap().push(&payload).unwrap();
            let end = base + payload.len() as u64;
            log.wait_durable(end).block().unwrap();
            log.release_before(base);
        });
    });
    group.finish();
    log.close().unwrap();
}

fn commit(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let store =
        EmbeddedStore::open(Options::new(dir.path()), Timestamp::from_micros(BEGIN)).unwrap();
    let mut next = 0_u64;
    let mut group = criterion.benchmark_group("store commit");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    for n in [1, 1000] {
        group.throughput(Throughput::Elements(n));
        group.bench_function(format!("{n} fresh, 1 million registers"), |bencher| {
            bencher.iter_batched(
                || {
                    next += n;
                    encoded(next, n, 100_000)
                },
                |bytes| commit_request(&store, &bytes),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    block_on(store.close()).unwrap();
}

fn commit_request(store: &EmbeddedStore, bytes: &[u8]) -> Duration {
    let started = Instant::now();
    let now = Timestamp::from_micros(BEGIN);
    let rules = Rules::new(Dialect::Native, Timestamp::from_micros(i64::MAX / 2));
    let request = IngestRequestRef::decode(bytes, DecodeLimits::default()).unwrap();
    let events: Vec<_> = request
        .events
        .iter()
        .map(|event| match admit(&convert::incoming(&request, event).unwrap(), &rules).unwrap() {
            Admission::Event(event) => event,
            Admission::Ignored => panic!("every event of the bench is one"),
        })
        .collect();
    let origin = Origin { project: ProjectId(1), key: KeyId(1), received: now, now };
    let results = block_on(store.commit(&Batch { origin, events: &events, rejects: &[] })).unwrap();
    assert_eq!(results.len(), events.len());
    started.elapsed()
}
