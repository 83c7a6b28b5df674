//! Exposures to our own server and to Amplitude: delivered means that the server has them, and
//! Amplitude gets what it can.
//!
//! `cargo run -p exposure-client --features amplitude,tls --example fan_out -- http://127.0.0.1:7070 KEY AMPLITUDE_KEY`
//!
//! Without arguments, servers in this process stand in for both.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::error::Error;
use std::time::Duration;

use exposure_client::provider::{AmplitudeProvider, GrpcProvider};
use exposure_client::{ExposureClient, InMemorySource, User, Variant};
use exposure_testkit::TestServer;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, stand_in] = [TestServer::start()?, TestServer::start()?];
    let (ours, amplitude) = match &arguments[..] {
        [url, key, amplitude_key] => {
            (GrpcProvider::builder(url).api_key(key), AmplitudeProvider::builder(amplitude_key))
        }
        _ => (
            GrpcProvider::builder(server.grpc()).api_key(TestServer::KEY),
            AmplitudeProvider::builder(TestServer::KEY).url(stand_in.http("/2/httpapi")),
        ),
    };

    let source = InMemorySource::new();
    source.set("checkout", Variant::new("treatment"));
    source.set_for("user-2", "checkout", Variant::builder().key("off").default_variant().build());

    let client = ExposureClient::builder(source)
        .provider(ours.build()?)
        .best_effort(amplitude.build()?)
        .build()?;
    for user_id in ["user-1", "user-2", "user-1"] {
        client.variant(&User::new(user_id), "checkout");
    }

    let report = client.blocking().shutdown(Duration::from_secs(10));
    for provider in &report.account.providers {
        println!("{}: {} of {} delivered", provider.name, provider.delivered, provider.offered);
    }
    println!("{} repeats", report.account.deduplicated);
    if arguments.is_empty() {
        for (name, server) in [("server", server), ("stand-in", stand_in)] {
            println!("{name}: {}", server.get("/v1/properties?user_id=user-1")?);
        }
    }
    Ok(())
}
