use exposure_core::{ErrorCode, Timestamp};
use exposure_store::{KeyId, ProjectId};

use super::projects::check_display_name;
use super::{Digest, KeyRecord, Scopes, new_secret};
use crate::page::{Bounds, Query, Writer};
use crate::{Caller, Handle, Listing, Page, Position, Result, Scope, ServiceError};

/// A key to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewApiKey {
    /// The project; empty is that of the caller.
    pub project: String,
    /// Its name for people.
    pub display_name: String,
    /// What it may do; at least one scope.
    pub scopes: Scopes,
}

/// An API key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its number, as usage and explanations show it.
    pub id: KeyId,
    /// The name of its project.
    pub project: String,
    /// Its name for people.
    pub display_name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created: Timestamp,
    /// When it was revoked; `None` while it is valid.
    pub revoked: Option<Timestamp>,
}

impl Handle {
    /// Creates a key and returns it with its secret, which can not be read again.
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        new: NewApiKey,
    ) -> Result<(ApiKey, String)> {
        let project = self.administered(caller, &new.project)?;
        if new.scopes.is_empty() {
            return Err(ServiceError::missing(
                "scopes",
                "`scopes` is empty; name at least one of `ingest`, `read`, `admin`",
            ));
        }
        check_display_name(&new.display_name)?;
        let secret = new_secret(self.entropy());
        let _guard = self.administer().await;
        let record = self.store_key(project, &new.display_name, new.scopes, &secret).await?;
        Ok((self.api_key(&record), secret))
    }

    /// Lists the keys of a project by number, revoked ones too; empty is the caller's project.
    pub fn list_api_keys(
        &self,
        caller: &Caller,
        project: &str,
        page: &Page,
    ) -> Result<Listing<ApiKey>> {
        let project = self.administered(caller, project)?;
        let query = Query::new("keys", project);
        let limit = page.limit(Bounds::SHORT)?;
        let after = query.place(page)?.map(|mut place| place.number()).transpose()?;
        let mut rest = self
            .directory()
            .keys_of(project)
            .into_iter()
            .filter(|key| after.is_none_or(|after| u64::from(key.number) > after));
        let items: Vec<_> = rest.by_ref().take(limit).map(|key| self.api_key(&key)).collect();
        let next_page_token = match (rest.next(), items.last()) {
            (Some(_), Some(last)) => query.token(Writer::default().number(last.id.0.into())),
            _ => String::new(),
        };
        let position = Position::at(&self.store().feed_end());
        Ok(Listing { items, next_page_token, position })
    }

    /// Revokes a key at once and for ever. Revoking it again changes nothing.
    pub async fn revoke_api_key(&self, caller: &Caller, id: KeyId) -> Result<ApiKey> {
        caller.require(Scope::Admin)?;
        let _guard = self.administer().await;
        let visible = |key: &KeyRecord| {
            key.project == caller.project().0 || caller.require_operator().is_ok()
        };
        let mut record = self
            .directory()
            .key(id)
            .filter(visible)
            .ok_or_else(|| ServiceError::not_found(format!("API key `{id}` does not exist")))?;
        if record.revoked_us.is_none() {
            record.revoked_us = Some(self.now().as_micros());
            self.store().put_document(&record.to_document()?).await?;
            self.directory().add_key(record.clone());
            tracing::info!(key = %id, "an API key was revoked");
        }
        Ok(self.api_key(&record))
    }

    /// Stores a key. The caller holds the guard of administration.
    pub(crate) async fn store_key(
        &self,
        project: ProjectId,
        display_name: &str,
        scopes: Scopes,
        secret: &str,
    ) -> Result<KeyRecord> {
        let numbers = self.directory().next_numbers();
        if numbers.n_keys >= self.settings().max_api_keys {
            return Err(ServiceError::new(
                ErrorCode::ResourceExhausted,
                format!("the server has its {} API keys already", numbers.n_keys),
            ));
        }
        let digest = Digest::of(secret);
        let record = KeyRecord::new(
            numbers.key,
            project,
            display_name.to_owned(),
            digest,
            scopes,
            self.now(),
        );
        self.store().put_document(&record.to_document()?).await?;
        self.directory().add_key(record.clone());
        Ok(record)
    }

    fn api_key(&self, record: &KeyRecord) -> ApiKey {
        let project = self.directory().project(ProjectId(record.project));
        ApiKey {
            id: record.id(),
            project: project.map(|(project, _)| project.name).unwrap_or_default(),
            display_name: record.display_name.clone(),
            scopes: record.scopes(),
            created: Timestamp::from_micros(record.created_us),
            revoked: record.revoked_us.map(Timestamp::from_micros),
        }
    }
}
