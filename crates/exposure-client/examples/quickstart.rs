//! Tracks exposures to an exposure server: `cargo run --example quickstart [URL [KEY]]`.
//!
//! Start one first: `exposure serve --data-dir data --api-key KEY`.
#![expect(clippy::print_stdout, reason = "a program talks")]

use std::error::Error;
use std::time::Duration;

use exposure_client::provider::GrpcProvider;
use exposure_client::{ExposureClient, InMemorySource, User, Variant};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:7070".into());
    let key = arguments.next().unwrap_or_else(|| "KEY".into());

    // Where variants come from. Here the program says so itself.
    let source = InMemorySource::new();
    source.set("checkout", Variant::new("treatment"));

    // Where exposures go.
    let client = ExposureClient::builder(source)
        .provider(GrpcProvider::builder(url).api_key(key).build()?)
        .build()?;

    // Asking for a variant tracks the exposure to it: once, however often it is asked for.
    let user = User::new("user-1").with_device("device-1");
    for _ in 0..1000 {
        let variant = client.variant(&user, "checkout");
        assert_eq!(variant.as_ref().and_then(Variant::key), Some("treatment"));
    }

    // At the end, what is under way is sent, and the report says what is left.
    let report = client.shutdown(Duration::from_secs(5)).await;
    println!("{:#?}", report.account);
    if !report.is_complete() {
        println!("{} exposures were not delivered: is the server there?", report.left);
    }
    Ok(())
}
