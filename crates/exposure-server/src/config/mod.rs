//! The settings of a server: flags, then variables, then a file, then defaults.

mod bounds;
mod flags;
mod resolve;
mod settings;
mod show;
mod value;

pub(crate) use flags::ServeFlags;
pub(crate) use resolve::Resolved;
pub(crate) use settings::Settings;
pub(crate) use show::show;
