//! The words of exposure tracking in JSON, whichever sender says them: which event is read as
//! what, the members of an exposure, and what user properties write.

pub(crate) mod experiment;
pub(crate) mod exposure;
pub(crate) mod forms;
mod ids;
mod library;
pub(crate) mod member;
mod payload;
pub(crate) mod time;
mod writes;

pub(crate) use ids::{first_id, ids};
pub(crate) use library::{library, named, word};
pub(crate) use payload::payload as payload_of;
pub(crate) use time::{known_time, moment, time};
pub(crate) use writes::{Precedence, Writes};
