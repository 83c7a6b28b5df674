use exposure_core::Timestamp;

use crate::{Caller, Handle, Result, Scope, ServiceError};

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Events of the user at or before this time are gone, and stay rejected.
    pub until: Timestamp,
    /// Devices that no other user was seen on, erased with the user.
    pub devices: u64,
}

impl Handle {
    /// Erases a user. An unknown one too: its events at or before now stay rejected.
    pub async fn erase_user(&self, caller: &Caller, user_id: &str) -> Result<Erasure> {
        caller.require(Scope::Admin)?;
        if user_id.is_empty() {
            return Err(ServiceError::missing("user_id", "`user_id` is missing; name the user"));
        }
        let until = self.now();
        let profiles = self.store().erase(caller.project(), user_id, until).await?;
        Ok(Erasure { until, devices: profiles.saturating_sub(1) })
    }
}
