use std::collections::BTreeMap;
use std::sync::Arc;

use exposure_core::ErrorCode;
use exposure_store::{KeyId, ProjectId};
use hashbrown::HashMap;
use parking_lot::RwLock;

use super::{Caller, Digest, KeyRecord, ProjectRecord};
use crate::project::Tenant;
use crate::{Result, ServiceError};

/// Every project and key, resident: no request reads a document.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: RwLock<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    projects: BTreeMap<ProjectId, (ProjectRecord, Arc<Tenant>)>,
    keys: BTreeMap<KeyId, KeyRecord>,
    by_digest: HashMap<Digest, KeyId, foldhash::fast::RandomState>,
}

impl Directory {
    pub(crate) fn add_project(&self, record: ProjectRecord, tenant: Arc<Tenant>) {
        self.entries.write().projects.insert(record.id(), (record, tenant));
    }

    /// Adds a key, or replaces what was known of it.
    pub(crate) fn add_key(&self, record: KeyRecord) {
        let mut entries = self.entries.write();
        if let Some(digest) = record.digest() {
            entries.by_digest.insert(digest, record.id());
        }
        entries.keys.insert(record.id(), record);
    }

    /// Who a secret stands for.
    ///
    /// The digest is looked up in a map, which takes a time that depends on the digest. That
    /// tells nobody anything: whoever measures it would learn bits of a SHA-256 that they can
    /// compute themselves, and to be near a stored digest helps as little as a wrong guess.
    /// What is found is still compared in constant time, and a miss does the same work.
    pub(crate) fn authenticate(&self, secret: &str) -> Result<Caller> {
        let digest = Digest::of(secret);
        let entries = self.entries.read();
        let found = entries.by_digest.get_key_value(&digest);
        let matches = found.map_or(&Digest::NONE, |(stored, _)| stored).matches(&digest);
        let key = found.and_then(|(_, id)| entries.keys.get(id));
        let valid = key.filter(|key| matches && key.revoked_us.is_none() && !secret.is_empty());
        let caller = valid.and_then(|key| {
            let (_, tenant) = entries.projects.get(&ProjectId(key.project))?;
            Some(Caller { tenant: Arc::clone(tenant), key: key.id(), scopes: key.scopes() })
        });
        caller.ok_or_else(|| {
            ServiceError::new(
                ErrorCode::Unauthenticated,
                "the API key is absent, wrong or revoked; send `authorization: Bearer KEY`",
            )
        })
    }

    pub(crate) fn find_key(&self, digest: &Digest) -> Option<KeyRecord> {
        let entries = self.entries.read();
        entries.keys.get(entries.by_digest.get(digest)?).cloned()
    }

    pub(crate) fn key(&self, id: KeyId) -> Option<KeyRecord> {
        self.entries.read().keys.get(&id).cloned()
    }

    pub(crate) fn keys_of(&self, project: ProjectId) -> Vec<KeyRecord> {
        let entries = self.entries.read();
        entries.keys.values().filter(|key| key.project == project.0).cloned().collect()
    }

    pub(crate) fn project_named(&self, name: &str) -> Option<(ProjectRecord, Arc<Tenant>)> {
        let entries = self.entries.read();
        entries.projects.values().find(|(record, _)| record.name == name).cloned()
    }

    pub(crate) fn project(&self, id: ProjectId) -> Option<(ProjectRecord, Arc<Tenant>)> {
        self.entries.read().projects.get(&id).cloned()
    }

    /// Every project, by name.
    pub(crate) fn projects(&self) -> Vec<ProjectRecord> {
        let mut projects: Vec<_> =
            self.entries.read().projects.values().map(|(record, _)| record.clone()).collect();
        projects.sort_by(|a, b| a.name.cmp(&b.name));
        projects
    }

    /// The next unused numbers of a project and of a key, and how many there are of each.
    pub(crate) fn next_numbers(&self) -> NextNumbers {
        let entries = self.entries.read();
        NextNumbers {
            project: entries.projects.last_key_value().map_or(1, |(id, _)| id.0 + 1),
            key: entries.keys.last_key_value().map_or(1, |(id, _)| id.0 + 1),
            n_projects: entries.projects.len(),
            n_keys: entries.keys.len(),
        }
    }
}

pub(crate) struct NextNumbers {
    pub(crate) project: u32,
    pub(crate) key: u32,
    pub(crate) n_projects: usize,
    pub(crate) n_keys: usize,
}
