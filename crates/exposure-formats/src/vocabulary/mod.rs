//! The words of exposure tracking in JSON, whichever sender says them: which event is read as
//! what, the members of an exposure, and what user properties write.

pub(crate) mod experiment;
pub(crate) mod exposure;
pub(crate) mod forms;
mod ids;
mod library;
pub(crate) mod member;
mod payload;
mod refusal;
pub(crate) mod time;
mod tracked;
mod writes;

pub(crate) use ids::{first_id, ids};
pub(crate) use library::{library, named, word};
pub(crate) use payload::{metadata, payload as payload_of};
pub(crate) use refusal::refused;
pub(crate) use time::{known_time, moment, time};
pub(crate) use tracked::{Tracked, tracked};
pub(crate) use writes::{Precedence, Writes};
