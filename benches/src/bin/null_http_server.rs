//! A server that reads uploads of Amplitude's and acknowledges them, and does nothing else: what
//! HTTP and the format could do if storing took no time.
//!
//! `null_http_server 127.0.0.1:7081`, and then
//! `exposure load --mode amplitude --http 127.0.0.1:7081 --api-key none --unchecked …`

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::post;
use exposure_core::Timestamp;
use exposure_formats::{Arena, Protocol, Request};

/// As in the real server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

async fn upload(body: Bytes) -> (StatusCode, String) {
    let request = Request {
        method: "POST",
        path: "/2/httpapi",
        query: "",
        headers: &(),
        body: &body,
        received: Timestamp::EARLIEST_EVENT,
    };
    let arena = Arena::new();
    let read = Protocol::of(&request).map(|protocol| protocol.read(&request, &arena));
    match read {
        Some(Ok(upload)) if upload.events.iter().all(Result::is_ok) => {
            let n_events = upload.events.len();
            (StatusCode::OK, format!(r#"{{"code":200,"events_ingested":{n_events}}}"#))
        }
        _ => (StatusCode::BAD_REQUEST, r#"{"code":400}"#.to_owned()),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7081".to_owned());
    let router =
        Router::new().route("/2/httpapi", post(upload)).layer(DefaultBodyLimit::max(1 << 20));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router).await?;
    Ok(())
}
