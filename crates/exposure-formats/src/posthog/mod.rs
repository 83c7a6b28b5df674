//! PostHog's capture, in its older and its newer protocol.

mod answer;
mod body;
mod endpoint;
mod evaluation;
mod event;
mod lz;
mod message;
mod twins;
mod upload;

pub use answer::accepted;
pub use endpoint::{Endpoint, MAX_EVENTS};
pub use upload::read;
