//! `kill -9` at random moments under load: what was acknowledged is there once, and what was not
//! is there once or not at all.

mod check;
mod clients;
mod follow;
mod journal;
mod rounds;
