//! The words of exposure tracking in JSON, whichever sender says them: which event is read as
//! what, the members of an exposure, and what user properties write.

pub(crate) mod exposure;
pub(crate) mod forms;
pub(crate) mod member;
mod writes;

pub(crate) use writes::{Precedence, Writes};
