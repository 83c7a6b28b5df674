//! Steps that need no store: decode, validate, merge, resolve.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use exposure_core::{
    Admission, Change, Dialect, Links, Register, Rules, Timestamp, Variant, Version, admit,
};
use exposure_proto::convert;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef};
use exposure_proto::v1::IngestRequest;
use prost::Message;

use super::events::{BEGIN, encoded};

pub(crate) fn all(criterion: &mut Criterion) {
    decode(criterion);
    validate(criterion);
    merge(criterion);
    ownership(criterion);
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for n in [1, 100, 1000] {
        let bytes = encoded(0, n, 100_000);
        group.throughput(Throughput::Elements(n));
        group.bench_function(format!("fast/{n}"), |bencher| {
            bencher.iter(|| {
                IngestRequestRef::decode(black_box(&bytes), DecodeLimits::default())
                    .unwrap()
                    .events
                    .len()
            });
        });
        group.bench_function(format!("prost/{n}"), |bencher| {
            bencher.iter(|| IngestRequest::decode(black_box(&bytes[..])).unwrap().events.len());
        });
    }
    group.finish();
}

fn validate(criterion: &mut Criterion) {
    let bytes = encoded(0, 1000, 100_000);
    let request = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
    let rules = Rules::new(Dialect::Native, Timestamp::from_micros(BEGIN));
    let mut group = criterion.benchmark_group("validate");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("convert and admit/1000", |bencher| {
        bencher.iter(|| {
            let admitted = request.events.iter().filter(|event| {
                let incoming = convert::incoming(&request, event).unwrap();
                matches!(admit(black_box(&incoming), &rules), Ok(Admission::Event(_)))
            });
            assert_eq!(admitted.count(), 1000);
        });
    });
    group.finish();
}

fn merge(criterion: &mut Criterion) {
    let version = |time| Version {
        time: Timestamp::from_micros(time),
        sequence: 0,
        change: Change::Set(Variant::trusted("variant1")),
        experiment_key: "",
        insert_id: "0b9e6d1c-1111-2222-3333-444444444444",
    };
    let mut register = Register::new(&version(0));
    let mut time = 0;
    criterion.bench_function("register merge/newer", |bencher| {
        bencher.iter(|| {
            time += 1;
            register.merge(black_box(&version(time)))
        });
    });
    criterion.bench_function("register merge/older", |bencher| {
        bencher.iter(|| register.merge(black_box(&version(-1))));
    });
}

fn ownership(criterion: &mut Criterion) {
    let mut links = Links::default();
    for n in 0..100 {
        links.add(Timestamp::from_micros(n * 10), &format!("user-{}", n % 7));
    }
    let mut time = 0;
    criterion.bench_function("ownership/100 links of 7 users", |bencher| {
        bencher.iter(|| {
            time = (time + 37) % 1000;
            matches!(
                links.owner_at(black_box(Timestamp::from_micros(time)), 1000),
                exposure_core::Ownership::User(_)
            )
        });
    });
}
