//! Export requests in JSON, by the helpers that all formats read JSON with.

mod common;
mod envelope;
mod logs;
mod member;
mod traces;

pub(super) use envelope::read;
