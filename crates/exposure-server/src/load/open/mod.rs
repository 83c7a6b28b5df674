//! The open loop: batches come at their times, whatever became of those before, as they do from
//! many senders that know nothing of each other. What is refused is counted and not sent again.

mod calls;
mod room;
mod streams;

pub(super) use calls::work as calls;
pub(super) use room::Room;
pub(super) use streams::OpenStream;
