use exposure_core::Timestamp;
use exposure_store::Capabilities;

use crate::auth::ProjectRecord;
use crate::{Caller, Handle, ProjectSettings, Result, Scope};

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectInfo {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// When it was made.
    pub created: Timestamp,
    /// What it asks for.
    pub settings: ProjectSettings,
}

/// Who the server is, as far as the application knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The version of this crate.
    pub version: &'static str,
    /// When the application was opened.
    pub started: Timestamp,
    /// What its store offers.
    pub capabilities: Capabilities,
}

impl ProjectInfo {
    pub(crate) fn of(record: &ProjectRecord) -> Self {
        Self {
            name: record.name.clone(),
            display_name: record.display_name.clone(),
            created: Timestamp::from_micros(record.created_us),
            settings: record.settings.clone(),
        }
    }
}

impl Handle {
    /// Who the server is.
    pub fn server_info(&self, caller: &Caller) -> Result<ServerInfo> {
        caller.require(Scope::Admin)?;
        Ok(ServerInfo {
            version: env!("CARGO_PKG_VERSION"),
            started: self.started(),
            capabilities: self.store().capabilities(),
        })
    }
}
