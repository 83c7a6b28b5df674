//! The embedded store from outside.

#[path = "store/basics.rs"]
mod basics;
