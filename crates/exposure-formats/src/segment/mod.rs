//! The HTTP tracking API of Segment and RudderStack.

mod answer;
mod endpoint;
mod event;
mod export;
mod message;
mod pixel;
mod upload;

pub use answer::accepted;
pub use endpoint::{Call, Endpoint, MAX_EVENTS};
pub(crate) use export::read as read_exported;
pub use upload::read;
