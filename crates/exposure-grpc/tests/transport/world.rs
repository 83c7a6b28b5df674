//! A server in this process, and clients of it over pipes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use exposure_core::Timestamp;
use exposure_grpc::{About, Health, ServeError, Server, Settings};
use exposure_proto::v1;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_service::{Clock, Entropy, Handle, NewApiKey, NewProject, Scope};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status};
use tonic_types::StatusExt;

use crate::store::HeldStore;

pub(crate) const KEY: &str = "the-key-of-the-tests";
/// 2026-06-01, and later with each look at the clock.
pub(crate) const START_US: i64 = 1_780_272_000_000_000;

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

#[derive(Debug)]
struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9E37_79B9) as u8;
        }
    }
}

pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) store: Arc<HeldStore>,
    pub(crate) health: Health,
    connect: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default(), exposure_service::Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings, service: exposure_service::Settings) -> Self {
        let store = Arc::new(HeldStore::new());
        let (handle, _) = Handle::open(
            Arc::clone(&store) as Arc<dyn exposure_store::Store>,
            Arc::new(TestClock(AtomicI64::new(START_US))),
            Arc::new(TestEntropy(AtomicU64::new(1))),
            service,
            Some(KEY),
        )
        .await
        .unwrap();
        let health = Health::new().await;
        let about = About { version: "1.2.3".into(), store: "memory".into() };
        let server = Server::new(&handle, settings, health.clone(), about).unwrap();
        health.serving().await;
        let (connect, connections) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = tokio_stream::wrappers::UnboundedReceiverStream::new(connections);
        let served = tokio::spawn(server.serve_connections(incoming, async {
            let _ = stopped.await;
        }));
        Self { handle, store, health, connect, stop: Some(stop), served }
    }

    /// A new connection.
    pub(crate) async fn channel(&self) -> Channel {
        let connect = self.connect.clone();
        let connector = tower::service_fn(move |_: Uri| {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let sent = connect.send(Ok(theirs));
            async move {
                sent.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
                Ok::<_, io::Error>(TokioIo::new(ours))
            }
        });
        let endpoint = Endpoint::from_static("http://pipe.invalid");
        endpoint.connect_with_connector(connector).await.unwrap()
    }

    /// A new connection, of which the client's end is to be spoken on.
    pub(crate) fn pipe(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        self.connect.send(Ok(theirs)).unwrap();
        ours
    }

    pub(crate) async fn ingest(&self) -> IngestServiceClient<Channel> {
        IngestServiceClient::new(self.channel().await)
    }

    /// A key of project `default` with these scopes.
    pub(crate) async fn key(&self, scopes: &[Scope]) -> String {
        self.key_of("", scopes).await.1
    }

    /// The id and the secret of a new key of a project.
    pub(crate) async fn key_of(&self, project: &str, scopes: &[Scope]) -> (String, String) {
        let caller = self.handle.authenticate(KEY).unwrap();
        let scopes = scopes.iter().copied().collect();
        let new = NewApiKey { project: project.into(), display_name: String::new(), scopes };
        let (key, secret) = self.handle.create_api_key(&caller, new).await.unwrap();
        (key.id.to_string(), secret)
    }

    pub(crate) async fn project(&self, name: &str) {
        let caller = self.handle.authenticate(KEY).unwrap();
        let new = NewProject { name: name.into(), ..NewProject::default() };
        self.handle.create_project(&caller, new).await.unwrap();
    }

    /// Sends events and returns their outcomes.
    pub(crate) async fn send(&self, events: Vec<v1::Event>) -> Vec<v1::EventOutcome> {
        let request = v1::IngestRequest { events, ..Default::default() };
        self.ingest().await.ingest(keyed(request)).await.unwrap().into_inner().outcomes
    }

    /// Tells the server to stop.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
    }

    /// Waits until it has.
    pub(crate) async fn stopped(self) {
        self.served.await.unwrap().unwrap();
    }
}

/// A request with the key of all scopes.
pub(crate) fn keyed<T>(message: T) -> Request<T> {
    with_key(message, KEY)
}

pub(crate) fn with_key<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    let key = format!("Bearer {key}").parse().unwrap();
    request.metadata_mut().insert("authorization", key);
    request
}

pub(crate) fn exposure(user_id: &str, flag_key: &str, variant: Option<&str>) -> v1::Event {
    v1::Event {
        user_id: Some(user_id.into()),
        body: Some(v1::event::Body::Exposure(v1::Exposure {
            flag_key: Some(flag_key.into()),
            variant: variant.map(Into::into),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// The reason of a status, which must be one of ours.
pub(crate) fn reason(status: &Status) -> String {
    let Some(info) = status.get_details_error_info() else { panic!("no reason: {status:?}") };
    assert_eq!(info.domain, exposure_grpc::ERROR_DOMAIN);
    info.reason
}

/// The field that a status blames.
pub(crate) fn field(status: &Status) -> Option<String> {
    let violations = status.get_details_bad_request()?.field_violations;
    violations.into_iter().next().map(|violation| violation.field)
}
