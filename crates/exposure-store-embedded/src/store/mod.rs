//! The store itself: what a commit does, what a read sees, and what goes on behind them.

mod approach;
mod archive;
mod behind;
mod commit;
mod embedded;
mod erase;
mod feed;
mod fold;
mod history;
mod load;
mod locate;
mod merge;
mod open;
mod options;
mod prepare;
mod purge;
mod recover;
mod replay;
mod retire;
mod scan;
mod simulated;
mod state;
mod warm;

pub use embedded::EmbeddedStore;
pub use options::Options;
pub use simulated::Work;

pub(crate) use archive::events_error;
pub(crate) use open::{open_to_read, window_error};
pub(crate) use prepare::Prepared;
pub(crate) use purge::Purges;
pub(crate) use state::{Inner, State, log_error};
