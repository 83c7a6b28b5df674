//! The HTTP transport: probes, metrics and our own JSON.
//!
//! It authenticates each request, turns JSON into calls of the service and back, and keeps
//! bounds; it knows no rule. One event that can not be read is that event's rejected outcome,
//! and never its neighbors'.
//!
//! ```no_run
//! # async fn run(handle: exposure_service::Handle) -> std::io::Result<()> {
//! use exposure_http::{Probes, Server, Settings};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7702").await?;
//! let probes = Probes::new(String::new, || None);
//! let server = Server::new(&handle, Settings::default(), probes);
//! server.serve(listener, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod probes;
mod server;
mod settings;

mod auth;
mod connection;
mod error;
mod meter;
mod request;
mod senders;

mod foreign;
mod read;
mod track;

pub use connection::{Connection, Security};
pub use probes::Probes;
pub use server::Server;
pub use settings::Settings;
