//! `exposure serve`: puts a store, the application and the transports together, and ends them.

mod banner;
mod listen;
mod logging;
mod metering;
mod options;
mod run;
mod shutdown;
mod socket;
mod tls;

pub(crate) use run::run;
