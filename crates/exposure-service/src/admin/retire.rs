use crate::project::retired_document;
use crate::{Caller, Handle, Result, Scope, ServiceError};

impl Handle {
    /// Retires a flag: it frees its place, and a later set of it takes one again. Returns how
    /// many flags the project has now.
    pub async fn retire_flag(&self, caller: &Caller, flag_key: &str) -> Result<usize> {
        caller.require(Scope::Admin)?;
        if flag_key.is_empty() {
            return Err(ServiceError::missing("flag_key", "`flag_key` is missing; name the flag"));
        }
        let _guard = self.administer().await;
        let tenant = &caller.tenant;
        if !tenant.flags.look().has(flag_key) {
            if tenant.flags.is_retired(flag_key) {
                return Ok(tenant.n_flags());
            }
            return Err(ServiceError::not_found(format!(
                "flag `{flag_key}` does not exist; a flag begins with its first set"
            )));
        }
        let version = self.now().as_micros() as u64;
        let document = retired_document(tenant.id, flag_key, true, version);
        self.store().put_document(&document).await?;
        tenant.flags.retire(flag_key);
        Ok(tenant.n_flags())
    }
}
