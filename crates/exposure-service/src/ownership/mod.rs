//! Whom a write belongs to, decided when reading, from what the store holds.

mod history;
mod lookup;

pub(crate) use history::{DeviceHistory, links};
pub(crate) use lookup::{Lookup, Share};
