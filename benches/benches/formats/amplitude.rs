//! Uploads to `/2/httpapi`.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use exposure_core::{Admission, Rules, Timestamp, admit};
use exposure_formats::{Arena, Protocol, Request};

use super::{bodies, plain};

pub(crate) fn all(criterion: &mut Criterion) {
    for (name, sender) in [("browser", "browser-experiment-js-client"), ("node", "analytics-node")]
    {
        for n_events in [10, 1000] {
            let body = bodies::amplitude(sender, n_events);
            let mut group = criterion.benchmark_group(format!(
                "amplitude/{name}, {n_events} events of {} bytes",
                body.len() / n_events
            ));
            group.throughput(Throughput::Elements(n_events as u64));
            ours(&mut group, &body, n_events);
            others(&mut group, &body, n_events);
            group.finish();
        }
    }
}

fn ours(group: &mut BenchmarkGroup<'_, WallTime>, body: &[u8], n_events: usize) {
    let request = |body| Request {
        method: "POST",
        path: "/2/httpapi",
        query: "",
        headers: &(),
        body,
        received: Timestamp::from_micros(1_795_345_740_000_000),
    };
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let request = request(black_box(body));
            let arena = Arena::new();
            let upload = Protocol::of(&request).unwrap().read(&request, &arena).unwrap();
            assert_eq!(upload.events.len(), n_events);
        });
    });
    group.bench_function("read and admit", |bencher| {
        bencher.iter(|| {
            let request = request(black_box(body));
            let protocol = Protocol::of(&request).unwrap();
            let arena = Arena::new();
            let upload = protocol.read(&request, &arena).unwrap();
            let rules = Rules::new(protocol.dialect(), request.received);
            let admitted = upload.events.iter().filter(|event| {
                let Ok(incoming) = event else { panic!("every event of the bench is good") };
                matches!(admit(black_box(incoming), &rules), Ok(Admission::Event(_)))
            });
            assert_eq!(admitted.count(), n_events);
        });
    });
}

fn others(group: &mut BenchmarkGroup<'_, WallTime>, body: &[u8], n_events: usize) {
    group.bench_function("serde_json, Value", |bencher| {
        bencher.iter(|| {
            let value: serde_json::Value = serde_json::from_slice(black_box(body)).unwrap();
            assert_eq!(value["events"].as_array().map(Vec::len), Some(n_events));
        });
    });
    group.bench_function("serde_json, struct", |bencher| {
        bencher.iter(|| {
            serde_json::from_slice::<plain::Upload<'_>>(black_box(body)).unwrap().weight()
        });
    });
    group.bench_function("sonic-rs, struct", |bencher| {
        bencher
            .iter(|| sonic_rs::from_slice::<plain::Upload<'_>>(black_box(body)).unwrap().weight());
    });
    group.bench_function("simd-json, struct", |bencher| {
        bencher.iter_batched_ref(
            || body.to_vec(),
            |body| simd_json::from_slice::<plain::Upload<'_>>(body).unwrap().weight(),
            BatchSize::SmallInput,
        );
    });
}
