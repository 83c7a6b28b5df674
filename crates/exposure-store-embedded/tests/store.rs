//! The embedded store from outside.

#[path = "store/basics.rs"]
mod basics;
#[path = "store/suite.rs"]
mod suite;
