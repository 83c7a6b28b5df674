//! The gRPC transport.
//!
//! All services of `exposure.v1` over a [`Handle`](exposure_service::Handle), with
//! `grpc.health.v1` and reflection beside them. It authenticates each call, turns messages
//! into calls of the service and back, and keeps bounds; it knows no rule.
//!
//! ```no_run
//! # async fn run(handle: exposure_service::Handle) -> Result<(), Box<dyn std::error::Error>> {
//! use exposure_grpc::{About, Health, Server, Settings};
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:7701").await?;
//! let health = Health::new().await;
//! let server = Server::new(&handle, Settings::default(), health.clone(), About::default())?;
//! health.serving().await;
//! server.serve(listener, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

mod server;
mod settings;

mod health;

mod batching;
mod body;
mod calls;
mod connection;
mod early;
mod http2;
mod inline;
mod keepalive;
mod meter;
mod method;
mod receiving;
mod respond;
mod serving;

mod auth;
mod deadline;
mod drain;
mod error;
mod outgoing;

mod admin;
mod ingest;
mod otlp;
mod property;
mod query;
mod usage;

pub use error::ERROR_DOMAIN;
pub use health::Health;
pub use server::{About, ServeError, Server};
pub use settings::Settings;
