//! Export requests in protobuf, read in place.
//!
//! Accepts exactly the bytes that generated code accepts, and reads the same from them.

mod common;
mod envelope;
mod fault;
mod logs;
mod reader;
mod traces;

pub(super) use envelope::read;
