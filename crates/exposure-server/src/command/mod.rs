//! The commands beside `serve` and `load`, one file each.

pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod flags;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod senders;
pub(crate) mod tail;
pub(crate) mod track;
pub(crate) mod user;
pub(crate) mod verify;

mod whom;
