//! A provider's own part of a client: its queue, its thread, its share of the account.

mod attempt;
mod entry;
mod flush;
mod lane;
mod outcomes;
mod reporter;
mod requests;
mod runner;

pub(crate) use entry::{Entry, Failure};
pub(crate) use flush::{Gathered, Gathering, Left};
pub(crate) use lane::{Lane, QueueBound};
pub(crate) use runner::{Pace, Runner};
