//! The questions, and their answers as JSON.

mod explain;
mod flags;
mod parameters;
mod properties;
mod usage;

pub(crate) use explain::explain;
pub(crate) use flags::{flag_exposures, flags};
pub(crate) use properties::properties;
pub(crate) use usage::usage;
