use std::sync::Arc;

use exposure_store::{Document, ProjectId, Store};

use super::{FlagRegistry, Names};
use crate::account::AccountBook;
use crate::auth::ProjectRecord;
use crate::{Result, Settings};

/// A project as intake needs it, resident from the start of the server.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) id: ProjectId,
    pub(crate) name: Box<str>,
    pub(crate) flags: FlagRegistry,
    pub(crate) event_types: Names,
    pub(crate) libraries: Names,
    pub(crate) accounts: AccountBook,
    pub(crate) max_flags: usize,
    pub(crate) min_id_chars: usize,
    pub(crate) max_future_skew_micros: i64,
}

impl Tenant {
    /// Reads what the store knows of a project.
    pub(crate) async fn load(
        store: &dyn Store,
        record: &ProjectRecord,
        settings: &Settings,
    ) -> Result<Arc<Self>> {
        let id = record.id();
        let retired = store.documents(&retired_prefix(id)).await?;
        let retired = retired.iter().filter(|document| is_retired(document));
        let retired = retired.filter_map(|document| flag_of(id, document));
        let flags = FlagRegistry::new(store.flags(id).await?, retired);
        let usage = store.usage(id, i64::MIN, i64::MAX).await?;
        let senders = store.senders(id).await?;
        let libraries = senders.into_iter().map(|row| row.library);
        let event_types =
            usage.into_iter().filter(|row| row.kind.is_billable()).map(|row| row.event_type);
        Ok(Arc::new(Self {
            id,
            name: record.name.as_str().into(),
            flags,
            event_types: Names::new(event_types, settings.limits.event_types),
            libraries: Names::new(libraries, settings.limits.libraries),
            accounts: AccountBook::new(settings.max_reporting_clients),
            max_flags: record.settings.max_flags.unwrap_or(settings.limits.flags),
            min_id_chars: record.settings.min_id_chars.unwrap_or(1),
            max_future_skew_micros: record
                .settings
                .max_future_skew_micros
                .unwrap_or(settings.max_future_skew_micros),
        }))
    }

    /// How many places for flags are taken.
    pub(crate) fn n_flags(&self) -> usize {
        self.flags.len()
    }
}

/// The document that says whether a flag is retired. A flag may come back and go again, so
/// the version is the time of the latest turn.
pub(crate) fn retired_document(
    project: ProjectId,
    flag: &str,
    retired: bool,
    version: u64,
) -> Document {
    let name = format!("{}{flag}", retired_prefix(project));
    let bytes: &[u8] = if retired { b"retired" } else { b"revived" };
    Document { name: name.into(), version, bytes: bytes.into() }
}

fn retired_prefix(project: ProjectId) -> String {
    format!("retired-flag/{project}/")
}

fn is_retired(document: &Document) -> bool {
    *document.bytes == *b"retired"
}

fn flag_of(project: ProjectId, document: &Document) -> Option<Box<str>> {
    document.name.strip_prefix(&*retired_prefix(project)).map(Into::into)
}
