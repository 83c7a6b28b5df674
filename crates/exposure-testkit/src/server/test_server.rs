use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use exposure_grpc::{About, Health};
use exposure_http::Probes;
use exposure_service::{Clock, Handle};
use exposure_store::memory::MemoryStore;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::ask;
use super::environment::{Counting, MachineClock};
use crate::ManualClock;

/// A server in this process, in memory, with both transports on ports of its own; it ends when it
/// is dropped.
#[derive(Debug)]
pub struct TestServer {
    handle: Handle,
    http: SocketAddr,
    grpc: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread of a server tells when it listens.
type Started = Result<(Handle, SocketAddr, SocketAddr), Box<dyn Error + Send + Sync>>;

impl TestServer {
    /// The key of its one project, with all scopes.
    pub const KEY: &str = "the-key-of-the-tests";

    /// A server with the clock of the machine.
    ///
    /// # Errors
    /// If it can not listen.
    pub fn start() -> io::Result<Self> {
        Self::serve(Arc::new(MachineClock))
    }

    /// A server with this clock.
    ///
    /// # Errors
    /// If it can not listen.
    pub fn with_clock(clock: ManualClock) -> io::Result<Self> {
        Self::serve(Arc::new(clock))
    }

    /// The application behind the transports.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Where it takes HTTP, such as `http://127.0.0.1:1234`, and this path on it.
    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// Where it takes gRPC, such as `http://127.0.0.1:1234`.
    pub fn grpc(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// What it answers to a question over HTTP, such as `/v1/properties?user_id=u`.
    ///
    /// # Errors
    /// If it does not answer with 200 and JSON.
    pub fn get(&self, path: &str) -> io::Result<Value> {
        ask::get(self.http, Self::KEY, path)
    }

    fn serve(clock: Arc<dyn Clock>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (started, starting) = mpsc::channel::<Started>();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("test-server".into()).spawn(move || {
            runtime.block_on(async {
                match listen(clock).await {
                    Ok((handle, http, grpc)) => run(handle, http, grpc, &started, stopped).await,
                    Err(error) => drop(started.send(Err(error))),
                }
            });
        })?;
        let told = starting.recv().map_err(io::Error::other)?;
        let (handle, http, grpc) = told.map_err(io::Error::other)?;
        Ok(Self { handle, http, grpc, stop: Some(stop), thread: Some(thread) })
    }
}

async fn listen(
    clock: Arc<dyn Clock>,
) -> Result<(Handle, TcpListener, TcpListener), Box<dyn Error + Send + Sync>> {
    let (handle, _) = Handle::open(
        Arc::new(MemoryStore::new()),
        clock,
        Arc::new(Counting::default()),
        exposure_service::Settings::default(),
        Some(TestServer::KEY),
    )
    .await?;
    let http = TcpListener::bind("127.0.0.1:0").await?;
    let grpc = TcpListener::bind("127.0.0.1:0").await?;
    Ok((handle, http, grpc))
}

/// Serves until it is told to stop, or nobody is left to tell it.
async fn run(
    handle: Handle,
    http: TcpListener,
    grpc: TcpListener,
    started: &mpsc::Sender<Started>,
    stopped: oneshot::Receiver<()>,
) {
    let health = Health::new().await;
    health.serving().await;
    let about = About { version: env!("CARGO_PKG_VERSION").into(), store: "memory".into() };
    let prepared =
        exposure_grpc::Server::new(&handle, exposure_grpc::Settings::default(), health, about);
    let probes = Probes::new(String::new, || None);
    let over_http = exposure_http::Server::new(&handle, exposure_http::Settings::default(), probes);
    let over_grpc = match (prepared, http.local_addr(), grpc.local_addr()) {
        (Ok(over_grpc), Ok(http), Ok(grpc)) => {
            drop(started.send(Ok((handle, http, grpc))));
            over_grpc
        }
        (Err(error), ..) => return drop(started.send(Err(error.into()))),
        (_, Err(error), _) | (.., Err(error)) => return drop(started.send(Err(error.into()))),
    };
    let never = std::future::pending::<()>;
    // Connections are cut when it ends: whoever tests a sender has ended it before, or wants that.
    tokio::select! {
        () = over_http.serve(http, never()) => {}
        _ended = over_grpc.serve(grpc, never()) => {}
        _told = stopped => {}
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It may have panicked; then the test has failed already.
            drop(thread.join());
        }
    }
}
