//! The style of the protocol: the rules of buf's STANDARD set that apply here, and our own.

mod casing;
mod check;
mod comments;
mod enums;
mod fields;
mod files;
mod services;

pub use check::lint;
