//! A program without a runtime, with an outbox on disk: `cargo run --example synchronous`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks")]

use std::error::Error;
use std::time::Duration;

use exposure_client::provider::LogProvider;
use exposure_client::{ExposureClient, FileSource, User};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::temp_dir().join("exposure-client-example");
    std::fs::create_dir_all(&directory)?;
    let flags = directory.join("flags.json");
    std::fs::write(&flags, r#"{"checkout": {"key": "on", "users": {"user-2": {"key": "beta"}}}}"#)?;

    // Read again each second, when it has changed.
    let source = FileSource::open(flags)?.watch(Duration::from_secs(1))?;
    let client = ExposureClient::builder(source)
        .provider(LogProvider::stdout())
        .outbox(directory.join("outbox"))
        .on_drop(|dropped| eprintln!("lost: {} ({})", dropped.flag_key, dropped.reason))
        .build()?;

    for number in 1..4 {
        let user = User::new(format!("user-{number}"));
        if let Some(variant) = client.variant(&user, "checkout") {
            println!("user-{number} sees {:?}", variant.key());
        }
    }
    // From here on they survive a crash; whoever opens the outbox next sends what is left.
    client.blocking().synced();

    let report = client.blocking().shutdown(Duration::from_secs(5));
    println!("delivered {} of {}", report.account.delivered, report.account.tracked);
    Ok(())
}
