use exposure_core::{RawId, Timestamp};

use crate::ownership::{Lookup, Share};
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
        let devices = self.devices_of_only(caller, user_id).await?;
        self.store().erase(caller.project(), user_id, until).await?;
        tracing::info!(project = %caller.project(), devices, "a user was erased");
        Ok(Erasure { until, devices })
    }

    /// How many devices no other user was seen on.
    async fn devices_of_only(&self, caller: &Caller, user_id: &str) -> Result<u64> {
        let lookup = Lookup::new(self, caller.project());
        let state = lookup.state(RawId::User(user_id)).await?;
        let shares = lookup.shares(&state).await?;
        Ok(shares.iter().filter(|share| matches!(share, Share::All(_))).count() as u64)
    }
}
