//! A round trip over loopback: unary and stream, ack after fdatasync, client and server in one process.

use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use exposure_core::Timestamp;
use exposure_grpc::{About, Health, Server};
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::{IngestStreamRequest, ingest_stream_response::Message};
use exposure_service::{Clock, Entropy, Handle};
use exposure_store_embedded::{EmbeddedStore, Options};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use super::events::{BEGIN, request};

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(BEGIN * 2)
    }
}

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

pub(crate) fn all(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let client = runtime.block_on(serve(dir.path()));
    let mut next = 0;
    let mut group = criterion.benchmark_group("grpc");
    group.sample_size(20).measurement_time(Duration::from_secs(8));
    for n in [1, 1000] {
        group.throughput(Throughput::Elements(n));
        group.bench_function(format!("unary/{n}"), |bencher| {
            bencher.iter(|| {
                next += n;
                let answer = runtime
                    .block_on(client.clone().ingest(with_key(request(next, n, 100_000))))
                    .unwrap();
                assert_eq!(answer.get_ref().outcomes.len(), n as usize);
            });
        });
    }
    group.throughput(Throughput::Elements(32_000));
    group.bench_function("stream/32 of 1000", |bencher| {
        bencher.iter(|| {
            next += 32_000;
            runtime.block_on(stream(client.clone(), next));
        });
    });
    group.finish();
    drop(client);
    runtime.shutdown_background();
}

async fn serve(dir: &std::path::Path) -> IngestServiceClient<Channel> {
    let store = EmbeddedStore::open(Options::new(dir), Timestamp::from_micros(BEGIN)).unwrap();
    let settings = exposure_service::Settings::default();
    let (handle, _) =
        Handle::open(Arc::new(store), Arc::new(Fixed), Arc::new(Fixed), settings, Some("key"))
            .await
            .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let health = Health::new().await;
    let server =
        Server::new(&handle, exposure_grpc::Settings::default(), health, About::default()).unwrap();
    tokio::spawn(server.serve(listener, std::future::pending::<()>()));
    let channel =
        Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    IngestServiceClient::new(channel)
}

fn with_key<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", MetadataValue::from_static("Bearer key"));
    request
}

/// Sends 32 batches of 1000 and waits for their acknowledgements.
async fn stream(mut client: IngestServiceClient<Channel>, from: u64) {
    let batches = (0..32).map(move |n| IngestStreamRequest {
        batch_id: n + 1,
        batch: Some(request(from + n as u64 * 1000, 1000, 100_000)),
    });
    let answers = client.ingest_stream(with_key(tokio_stream::iter(batches))).await.unwrap();
    let mut answers = answers.into_inner();
    let mut acknowledged = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        if let Some(Message::Acknowledgement(_)) = answer.message {
            acknowledged += 1;
        }
    }
    assert_eq!(acknowledged, 32);
}
