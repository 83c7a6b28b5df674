use exposure_core::Timestamp;
use exposure_store::{Document, KeyId, ProjectId};
use serde::{Deserialize, Serialize};

use super::{Digest, Scope, Scopes};
use crate::{ProjectSettings, Result, ServiceError};

/// The document of a project, named `project/<number>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProjectRecord {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) created_us: i64,
    #[serde(default)]
    pub(crate) settings: ProjectSettings,
}

/// The document of an API key, named `key/<number>`. Version 2 is a revoked one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) number: u32,
    pub(crate) project: u32,
    pub(crate) display_name: String,
    digest: String,
    scopes: Vec<String>,
    pub(crate) created_us: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked_us: Option<i64>,
}

pub(crate) const PROJECT_PREFIX: &str = "project/";
pub(crate) const KEY_PREFIX: &str = "key/";

impl ProjectRecord {
    pub(crate) fn id(&self) -> ProjectId {
        ProjectId(self.number)
    }

    pub(crate) fn to_document(&self) -> Result<Document> {
        document(format!("{PROJECT_PREFIX}{}", self.number), 1, self)
    }

    pub(crate) fn from_document(document: &Document) -> Result<Self> {
        read(document)
    }
}

impl KeyRecord {
    pub(crate) fn new(
        number: u32,
        project: ProjectId,
        display_name: String,
        digest: Digest,
        scopes: Scopes,
        now: Timestamp,
    ) -> Self {
        Self {
            number,
            project: project.0,
            display_name,
            digest: digest.to_hex(),
            scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            created_us: now.as_micros(),
            revoked_us: None,
        }
    }

    pub(crate) fn id(&self) -> KeyId {
        KeyId(self.number)
    }

    pub(crate) fn scopes(&self) -> Scopes {
        self.scopes.iter().filter_map(|name| Scope::from_name(name)).collect()
    }

    pub(crate) fn digest(&self) -> Option<Digest> {
        Digest::from_hex(&self.digest)
    }

    pub(crate) fn to_document(&self) -> Result<Document> {
        let version = if self.revoked_us.is_some() { 2 } else { 1 };
        document(format!("{KEY_PREFIX}{}", self.number), version, self)
    }

    pub(crate) fn from_document(document: &Document) -> Result<Self> {
        read(document)
    }
}

fn document<T: Serialize>(name: String, version: u64, value: &T) -> Result<Document> {
    let bytes = serde_json::to_vec(value).map_err(|cause| unreadable(&name, &cause))?;
    Ok(Document { name: name.into(), version, bytes: bytes.into() })
}

fn read<'a, T: Deserialize<'a>>(document: &'a Document) -> Result<T> {
    serde_json::from_slice(&document.bytes).map_err(|cause| unreadable(&document.name, &cause))
}

fn unreadable(name: &str, cause: &serde_json::Error) -> ServiceError {
    ServiceError::new(
        exposure_core::ErrorCode::Internal,
        format!("document `{name}` is not what it should be: {cause}"),
    )
}
