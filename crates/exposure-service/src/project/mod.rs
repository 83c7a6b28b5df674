//! What is resident of a project: its flags, the names it counts by, its settings.

mod flags;
mod names;
mod tenant;

pub(crate) use flags::{FlagRegistry, Look, Reservations};
pub(crate) use names::Names;
pub(crate) use tenant::{Tenant, retired_document};
