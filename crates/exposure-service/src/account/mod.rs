//! What clients say became of everything they tracked: the last account of each, in memory.

mod book;
mod check;
mod figures;
mod reason;
mod report;

pub(crate) use book::AccountBook;
pub use figures::{AccountFigures, ProviderFigures, SenderAccount};
pub use reason::{DropCounts, DropReason};
pub(crate) use report::Reported;
pub use report::{ReportedAccount, ReportedProvider};
