//! What a request is answered: a status and a body, in the words of its protocol.

mod failure;
mod reply;

pub use failure::{Failure, Whom};
pub use reply::Answer;
