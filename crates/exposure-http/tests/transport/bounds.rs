//! Bounds and stopping.

use std::time::Duration;

use exposure_http::Settings;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{KEY, World, read_answer};

async fn with(settings: Settings) -> World {
    World::with(settings, exposure_service::Settings::default()).await
}

/// A request whose body is not sent yet: it stands in the server and waits.
async fn half_sent(world: &World) -> tokio::net::TcpStream {
    let mut socket = world.connect().await;
    let head = format!(
        "POST /v1/exposures HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\nconnection: close\r\ncontent-length: 16\r\nexpect: 100-continue\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body: so the request is under way.
    let mut asked = [0; 25];
    socket.read_exact(&mut asked).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    socket
}

#[tokio::test]
async fn requests_and_connections_are_bounded() {
    let settings = Settings {
        max_requests: 1,
        retry_after: Duration::from_millis(2500),
        ..Settings::default()
    };
    let world = with(settings).await;
    let mut waiting = half_sent(&world).await;
    let answer = world.call("GET /v1/flags", b"").await;
    assert_eq!(answer.error(), (429, "RESOURCE_EXHAUSTED".into(), None));
    assert!(answer.head.contains("retry-after: 3"), "{answer:?}");
    waiting.write_all(br#"{"exposures":[]}"#).await.unwrap();
    assert_eq!(read_answer(&mut waiting).await.json(), json!({ "results": [] }));
    assert_eq!(world.call("GET /v1/flags", b"").await.status, 200);

    let world = with(Settings { max_connections: 1, ..Settings::default() }).await;
    let mut waiting = half_sent(&world).await;
    let answer = world.call("GET /healthz", b"").await;
    assert_eq!(answer.error(), (429, "RESOURCE_EXHAUSTED".into(), None));
    waiting.write_all(br#"{"exposures":[]}"#).await.unwrap();
    assert_eq!(read_answer(&mut waiting).await.status, 200);
    while world.call("GET /healthz", b"").await.status != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_client_that_is_too_slow_is_told_so() {
    let world =
        with(Settings { request_timeout: Duration::from_millis(100), ..Settings::default() }).await;
    let mut slow = half_sent(&world).await;
    let answer = read_answer(&mut slow).await;
    assert_eq!(answer.error(), (503, "UNAVAILABLE".into(), None));
    assert!(answer.head.contains("retry-after: 1"));

    let world =
        with(Settings { head_timeout: Duration::from_millis(100), ..Settings::default() }).await;
    let mut silent = world.connect().await;
    silent.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    let mut end = Vec::new();
    silent.read_to_end(&mut end).await.unwrap();
    assert!(!end.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn what_was_received_is_finished() {
    let mut world = World::new().await;
    let mut waiting = half_sent(&world).await;
    world.stop();
    // Nothing is accepted any more, sooner or later.
    while tokio::net::TcpStream::connect(world.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    waiting.write_all(br#"{"exposures":[]}"#).await.unwrap();
    assert_eq!(read_answer(&mut waiting).await.json(), json!({ "results": [] }));
    world.stopped().await;

    let world =
        with(Settings { drain_timeout: Duration::from_millis(50), ..Settings::default() }).await;
    let _waiting = half_sent(&world).await;
    world.stopped().await;
}
