//! OTLP: the services that exporters of OpenTelemetry send logs and spans to, over bytes.

mod export;
mod server;

pub(crate) use server::{ExportServer, Logs, Traces};
