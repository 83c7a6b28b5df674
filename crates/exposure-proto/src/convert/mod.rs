//! Between the protocol and the rules: requests to events, outcomes and errors to the wire.

mod code;
mod incoming;
mod names;
mod outcome;
mod rules;

pub use code::{code_name, core_code, grpc_code, http_status, wire_code};
pub use incoming::incoming;
pub use names::{wire_effect, wire_lost, wire_note};
pub use outcome::wire_outcome;
pub use rules::rules;
