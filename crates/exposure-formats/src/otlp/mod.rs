//! OTLP: evaluations of feature flags among the logs and spans of OpenTelemetry, in protobuf
//! and in JSON.
//!
//! Exposures are log records and span events by the names of the semantic conventions, now and
//! before; all other logs and spans are accepted and dropped.

mod answer;
mod collector;
mod endpoint;
mod evaluation;
mod insert_id;
mod library;
mod options;
mod read;
mod signal;
mod value;

mod json;
mod wire;

pub use answer::{accepted, failed, response};
pub use endpoint::Endpoint;
pub use options::Options;
pub use read::{read, read_message};
pub use signal::{Encoding, Signal};
