//! New exposures of one client, from the call to the acknowledgement: in memory, and to a server
//! over loopback that decodes and acknowledges and does nothing else.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use exposure_client::provider::{ExposureProvider, GrpcProvider};
use exposure_client::{ExposureClient, InMemorySource, User, Variant};

use super::tracking::Nowhere;

const N_EVENTS: u64 = 200_000;
const ADDRESS: &str = "127.0.0.1:7079";

/// The server, as a process of its own, ended with the bench.
struct NullServer(Child);

impl Drop for NullServer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

pub(crate) fn all(criterion: &mut Criterion) {
    let null_server = Command::new(env!("CARGO_BIN_EXE_null_server")).arg(ADDRESS).spawn().unwrap();
    let _null_server = NullServer(null_server);
    let mut group = criterion.benchmark_group("client");
    group.sample_size(10).throughput(Throughput::Elements(N_EVENTS));
    let mut next = 0;
    let mut bench = |name: &str, provider: Box<dyn ExposureProvider>| {
        let client = client(provider);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|n| (0..n).map(|_| deliver(&client, &mut next)).sum());
        });
        assert_eq!(client.account().dropped.total(), 0);
    };
    bench("deliver 200,000 nowhere", Box::new(Nowhere));
    let grpc = GrpcProvider::builder(format!("http://{ADDRESS}")).in_flight(8);
    bench("deliver 200,000 to a null server", Box::new(grpc.build().unwrap()));
    group.finish();
}

fn client(provider: Box<dyn ExposureProvider>) -> ExposureClient {
    let source = InMemorySource::new();
    source.set("experiment", Variant::new("treatment"));
    ExposureClient::builder(source)
        .provider(provider)
        .queue_events(10_000_000)
        .queue_bytes(4 << 30)
        .linger(Duration::from_millis(5))
        .build()
        .unwrap()
}

fn deliver(client: &ExposureClient, next: &mut u64) -> Duration {
    let users: Vec<User> =
        (*next..*next + N_EVENTS).map(|number| User::new(format!("user-{number:010}"))).collect();
    *next += N_EVENTS;
    let start = Instant::now();
    for user in &users {
        client.variant(user, "experiment");
    }
    let report = client.blocking().flush();
    let spent = start.elapsed();
    assert!(report.is_complete(), "{report:?}");
    spent
}
