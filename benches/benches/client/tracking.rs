//! What an evaluation costs its caller: one that is known, and one that is new.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use exposure_client::provider::{
    Batch, BatchLimits, Delivery, ExposureProvider, SendError, async_trait,
};
use exposure_client::{ExposureClient, InMemorySource, Tracked, User, Variant};

/// Takes all, and keeps nothing.
#[derive(Debug)]
pub(crate) struct Nowhere;

#[async_trait]
impl ExposureProvider for Nowhere {
    fn name(&self) -> &'static str {
        "nowhere"
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { max_events: 4000, ..BatchLimits::default() }
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        Ok(batch.all(Delivery::Delivered))
    }
}

fn client(source: InMemorySource) -> ExposureClient {
    ExposureClient::builder(source)
        .provider(Nowhere)
        .queue_events(10_000_000)
        .queue_bytes(4 << 30)
        .build()
        .unwrap()
}

pub(crate) fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("client");
    let source = InMemorySource::new();
    let flags: Vec<String> = (0..50).map(|number| format!("experiment-{number:04}")).collect();
    for flag in &flags {
        source.set(flag, Variant::new("treatment"));
    }
    let client = client(source);
    let user = |number: u64| {
        User::new(format!("user-{number:031}")).with_device(format!("device-{number:029}"))
    };

    let one = user(0);
    client.variant(&one, &flags[0]);
    client.blocking().flush();
    group.bench_function("variant, known, one user", |bencher| {
        bencher.iter(|| client.variant(black_box(&one), black_box(&flags[0])));
    });

    let users: Vec<User> = (0..10_000).map(user).collect();
    for (number, user) in users.iter().enumerate() {
        for flag in &flags {
            client.variant(user, flag);
        }
        if number % 500 == 0 {
            client.blocking().flush();
        }
    }
    client.blocking().flush();
    let mut at = 0_usize;
    group.bench_function("variant, known, one of 10,000 users x 50 flags", |bencher| {
        bencher.iter(|| {
            at = at.wrapping_add(7919);
            client.variant(&users[at % users.len()], &flags[at % flags.len()])
        });
    });

    let mut next = 1_000_000;
    group.bench_function("exposure, new, queued in memory", |bencher| {
        bencher.iter_custom(|n| {
            // Making a user is not the client's work.
            let users: Vec<User> = (next..next + n).map(user).collect();
            next += n;
            let mut spent = Duration::ZERO;
            for users in users.chunks(50_000) {
                let start = Instant::now();
                for user in users {
                    let tracked = client.exposure(user, &flags[0]);
                    assert!(matches!(tracked, Tracked::Queued), "{tracked:?}");
                }
                spent += start.elapsed();
                client.blocking().flush();
            }
            spent
        });
    });
    group.finish();
}
