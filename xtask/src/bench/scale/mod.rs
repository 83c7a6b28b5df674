//! `cargo xtask bench scale`: what an event costs as things grow.

mod run;

mod connections;
mod flags;
mod point;
mod projects;
mod registers;

pub(super) use run::run;
