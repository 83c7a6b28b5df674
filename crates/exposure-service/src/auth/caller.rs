use std::sync::Arc;

use exposure_core::ErrorCode;
use exposure_store::{KeyId, ProjectId};

use super::{DEFAULT_PROJECT, Scope, Scopes};
use crate::project::Tenant;
use crate::{Result, ServiceError};

/// Who makes a call: a project, by one of its keys. Only authentication makes one.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) key: KeyId,
    pub(crate) scopes: Scopes,
}

impl Caller {
    /// The project's number.
    pub fn project(&self) -> ProjectId {
        self.tenant.id
    }

    /// The project's name.
    pub fn project_name(&self) -> &str {
        &self.tenant.name
    }

    /// The key's number.
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// What the key may do.
    pub const fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// Fails with `PERMISSION_DENIED` where the key has not the scope.
    pub fn require(&self, scope: Scope) -> Result<()> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        Err(ServiceError::new(
            ErrorCode::PermissionDenied,
            format!("the key lacks the scope `{}`; use a key that has it", scope.as_str()),
        ))
    }

    /// Fails unless the key administers the whole server: an `admin` key of project `default`.
    ///
    /// An `admin` key of any other project ends at its project, or the promise that another
    /// project's data is never visible would be worth nothing.
    pub fn require_operator(&self) -> Result<()> {
        self.require(Scope::Admin)?;
        if *self.tenant.name == *DEFAULT_PROJECT {
            return Ok(());
        }
        Err(ServiceError::new(
            ErrorCode::PermissionDenied,
            "other projects are administered with an `admin` key of project `default`",
        ))
    }
}
