//! Who may do what: projects, API keys and their scopes.

mod caller;
mod directory;
mod keys;
mod projects;
mod record;
mod scope;
mod secret;

pub use caller::Caller;
pub(crate) use directory::Directory;
pub use keys::{ApiKey, NewApiKey};
pub(crate) use projects::DEFAULT_PROJECT;
pub use projects::NewProject;
pub(crate) use record::{KEY_PREFIX, KeyRecord, PROJECT_PREFIX, ProjectRecord};
pub use scope::{Scope, Scopes};
pub(crate) use secret::{Digest, from_hex, new_secret, to_hex};
