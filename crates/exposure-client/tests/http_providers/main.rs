//! The providers over HTTP, against a server that answers as a test wants.

mod amplitude;
mod faults;
mod scripted;
mod segment;
mod support;
