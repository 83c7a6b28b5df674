//! What the commands share that talk to a running server.

mod connect;
mod runtime;
mod shapes;
mod status;

pub(crate) use connect::{ApiKey, ClientOptions, Connection, Keyed, read_keys, unreachable};
pub(crate) use runtime::block_on;
pub(crate) use shapes::{outcome_json, outcome_text};
pub(crate) use status::{code_name, describe};
