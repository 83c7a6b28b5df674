//! An axum service that tracks for the user of each request, and ends well: it stops taking
//! requests, finishes those it has, and then sends what was tracked.
//!
//! `cargo run -p exposure-client --features tower --example axum_service -- http://127.0.0.1:7070 KEY`
//!
//! Without arguments it writes exposures as lines. Try `curl -H 'x-user-id: user-1' ADDRESS`, and
//! end it with Ctrl-C.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use exposure_client::provider::{GrpcProvider, LogProvider};
use exposure_client::{
    ExposureClient, ExposureLayer, InMemorySource, RequestExposures, User, Variant,
};
use http::request::Parts;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let source = InMemorySource::new();
    source.set("button", Variant::new("green"));

    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let client = ExposureClient::builder(source);
    let client = match &arguments[..] {
        [url, key] => client.provider(GrpcProvider::builder(url).api_key(key).build()?),
        _ => client.provider(LogProvider::stdout()),
    };
    let client = client.build()?;

    let layer = ExposureLayer::new(client.clone(), user_of);
    let service = Router::new().route("/", get(page)).layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, service).with_graceful_shutdown(interrupted()).await?;

    // After the last request, so that its exposures are among those sent.
    let report = client.shutdown(Duration::from_secs(10)).await;
    println!("{} delivered, {} left", report.account.delivered, report.left);
    Ok(())
}

/// Here whoever says so; in earnest by a session, or by what a layer before this one found out.
fn user_of(head: &Parts) -> Option<User> {
    Some(User::new(head.headers.get("x-user-id")?.to_str().ok()?))
}

async fn page(Extension(exposures): Extension<RequestExposures>) -> String {
    let variant = exposures.variant_or("button", &Variant::new("grey"));
    format!("a {} button\n", variant.key().unwrap_or_default())
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        println!("no Ctrl-C here, ending at once: {error}");
    }
}
