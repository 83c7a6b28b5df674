//! The protocol against its baseline: what was once said on the wire stays understood.
//!
//! The rules are those of buf's WIRE_JSON set; besides, nothing named is ever deleted without
//! a trace, since a generated client may use it.

mod check;
mod enums;
mod messages;
mod methods;
mod reserved;

pub use check::breaking;
