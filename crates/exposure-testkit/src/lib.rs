//! What the tests of several crates share: clocks, vectors, a store that is read the slow way, and
//! with the feature `server` a whole server in the process.
//!
//! Random histories, the naive model and the suite that every store runs are in
//! [`exposure_store::suite`], where the authors of other stores find them too; the names used
//! most are repeated here.

mod clock;
mod resolve;
#[cfg(feature = "server")]
mod server;
pub mod vectors;

pub use clock::ManualClock;
pub use exposure_store::suite::{block_on, history, model::Model};
pub use resolve::{owner_of, properties};
#[cfg(feature = "server")]
pub use server::TestServer;
