//! Finds the events of one profile, and the links of one device.

use std::sync::Arc;

use exposure_core::RawId;
use exposure_store::{ProjectId, StoredEvent, StoredLink};

use super::error::Result;
use super::file::{ALL_FIELDS, EventFile, PROFILE_FIELDS};
use super::index::{key, partition, sorted_under};
use super::row::ProfileRef;
use super::schema::Table;
use super::{Events, IdRef, RowRef};

impl Events {
    /// The events that are stored under a raw id, by position: of a device those that name no user.
    pub fn lookup(&self, project: ProjectId, id: RawId<'_>) -> Result<Vec<StoredEvent>> {
        let mut found = Vec::new();
        self.visit(project, id, |row| found.push(row.to_event()))?;
        found.sort_unstable_by_key(|event| event.position);
        Ok(found)
    }

    /// Hands `visit` the events that are stored under a raw id, in no order that means anything.
    pub fn visit(
        &self,
        project: ProjectId,
        id: RawId<'_>,
        mut visit: impl FnMut(&RowRef<'_>),
    ) -> Result<()> {
        let profile = ProfileRef { is_user: id.is_user(), id: IdRef::parse(id.as_str()) };
        for file in self.live().of(Table::Events) {
            visit_file(file, project, profile, &mut visit)?;
        }
        Ok(())
    }

    /// The links of a device, in order of time and user.
    pub fn links(&self, project: ProjectId, device: &str) -> Result<Vec<StoredLink>> {
        let profile = ProfileRef { is_user: false, id: IdRef::parse(device) };
        let mut links = Vec::new();
        for file in self.live().of(Table::Links) {
            visit_file(file, project, profile, &mut |row| {
                links.push(StoredLink {
                    time: row.time,
                    user: row.user.map(IdRef::to_text).unwrap_or_default(),
                    position: row.position,
                });
            })?;
        }
        links.sort_unstable();
        Ok(links)
    }

    /// Every event that names a device, also beside a user, by position.
    ///
    /// Costs one look-up for each user that was seen on it.
    pub fn device_events(&self, project: ProjectId, device: &str) -> Result<Vec<StoredEvent>> {
        let mut found = self.lookup(project, RawId::Device(device))?;
        let mut users: Vec<Box<str>> =
            self.links(project, device)?.into_iter().map(|link| link.user).collect();
        users.sort_unstable();
        users.dedup();
        let device = IdRef::parse(device);
        for user in &users {
            self.visit(project, RawId::User(user), |row| {
                if row.device == Some(device) {
                    found.push(row.to_event());
                }
            })?;
        }
        found.sort_unstable_by_key(|event| event.position);
        // A file may have been replaced between two look-ups.
        found.dedup_by_key(|event| event.position);
        Ok(found)
    }
}

/// Hands `visit` the rows of a file under a profile, or, of links, under a device.
pub(super) fn visit_file(
    file: &Arc<EventFile>,
    project: ProjectId,
    profile: ProfileRef<'_>,
    visit: &mut impl FnMut(&RowRef<'_>),
) -> Result<()> {
    let key = key(project.0, profile);
    for number in file.index.pages_between(&key, &key) {
        let mut page = file.page(number, PROFILE_FIELDS)?;
        let compare = |row: usize| {
            let row = page.row(row);
            (row.project, sorted_under(file.meta.table, &row)).cmp(&(project, profile))
        };
        let start = partition(page.n_rows, |row| compare(row).is_lt());
        let end = partition(page.n_rows, |row| compare(row).is_le());
        if start < end {
            file.read_more(&mut page, number, ALL_FIELDS)?;
            for row in start..end {
                visit(&page.row(row));
            }
        }
    }
    Ok(())
}
