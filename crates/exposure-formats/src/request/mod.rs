//! A request as the formats look at it: no transport's types.

mod arena;
mod encoded;
mod keys;
mod received;

pub use arena::Arena;
pub(crate) use encoded::{base64, parameter, parameters};
pub(crate) use keys::header_keys;
pub use received::{Headers, Request};
