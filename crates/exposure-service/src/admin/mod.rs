//! What administrators do to the data of a project, and what they look at.

mod erase;
mod info;
mod rejected;
mod retire;
mod senders;
mod settings;
mod state_hash;

pub use erase::Erasure;
pub use info::{ProjectInfo, ServerInfo};
pub use rejected::{RejectFilter, RejectedEvent};
pub use senders::{Sender, SenderFigures};
pub use settings::ProjectSettings;
