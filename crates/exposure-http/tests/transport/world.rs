//! A server on a socket, and requests to it, byte by byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use exposure_core::Timestamp;
use exposure_http::{Probes, Server, Settings};
use exposure_service::{Clock, Entropy, Handle, NewApiKey, Scope};
use exposure_store::memory::MemoryStore;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const KEY: &str = "the-key-of-the-tests";
/// 2026-06-01, and later with each look at the clock.
const START_US: i64 = 1_780_272_000_000_000;

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
    pub(crate) ready: Arc<AtomicBool>,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default(), exposure_service::Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings, service: exposure_service::Settings) -> Self {
        let (handle, _) = Handle::open(
            Arc::new(MemoryStore::new()),
            Arc::new(TestClock(AtomicI64::new(START_US))),
            Arc::new(TestEntropy(AtomicU64::new(1))),
            service,
            Some(KEY),
        )
        .await
        .unwrap();
        let ready = Arc::new(AtomicBool::new(true));
        let is_ready = Arc::clone(&ready);
        let probes = Probes::new(
            || "a_metric 1\n".into(),
            move || (!is_ready.load(Ordering::SeqCst)).then(|| "draining".into()),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new(&handle, settings, probes);
        let served = tokio::spawn(server.serve(listener, async {
            // Also when the world is dropped.
            let _stopped = stopped.await;
        }));
        Self { handle, ready, address, stop: Some(stop), served }
    }

    /// A key of project `default` with one scope.
    pub(crate) async fn key(&self, scope: Scope) -> String {
        let caller = self.handle.authenticate(KEY).unwrap();
        let scopes = [scope].into_iter().collect();
        let new = NewApiKey { scopes, ..NewApiKey::default() };
        self.handle.create_api_key(&caller, new).await.unwrap().1
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request with given headers and reads its answer to the end.
    pub(crate) async fn request(&self, head: &str, headers: &str, body: &[u8]) -> Answer {
        let mut socket = self.connect().await;
        let head = format!(
            "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        // A server that refuses early does not read on.
        let _sent = socket.write_all(&[head.as_bytes(), body].concat()).await;
        read_answer(&mut socket).await
    }

    /// The same with the key of all scopes.
    pub(crate) async fn call(&self, head: &str, body: &[u8]) -> Answer {
        self.request(head, &format!("authorization: Bearer {KEY}\r\n"), body).await
    }

    /// The JSON of a question that must be answered.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call(&format!("GET {path}"), b"").await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    /// The results of sending exposures.
    pub(crate) async fn track(&self, exposures: &Value) -> Vec<Value> {
        let body = serde_json::json!({ "exposures": exposures }).to_string();
        let answer = self.call("POST /v1/exposures", body.as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["results"].as_array().unwrap().clone()
    }

    /// Tells the server to stop, and waits until it has.
    pub(crate) async fn stopped(mut self) {
        drop(self.stop.take());
        self.served.await.unwrap();
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }
}

pub(crate) async fn read_answer(socket: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // What was sent and not read resets the connection, after the answer.
    let _end = socket.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// Code and field of an error; the message must say something.
    pub(crate) fn error(&self) -> (u16, String, Option<String>) {
        let json = self.json();
        let error = &json["error"];
        assert!(!error["message"].as_str().unwrap().is_empty());
        let members: Vec<_> = error.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["code", "field", "message"]);
        let code = error["code"].as_str().unwrap().to_owned();
        (self.status, code, error["field"].as_str().map(Into::into))
    }
}
