//! What administrators do to the data of a project, and what they look at.

mod erase;
mod figures;
mod info;
mod rejected;
mod retire;
mod settings;
mod state_hash;

pub use erase::Erasure;
pub use figures::SenderFigures;
pub use info::{ProjectInfo, ServerInfo};
pub use rejected::{RejectFilter, RejectedEvent};
pub use settings::ProjectSettings;
