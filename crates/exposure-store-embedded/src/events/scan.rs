//! Pages through the events of a project, in an order that merges do not change.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use exposure_core::Timestamp;
use exposure_store::{EventFilter, EventPage, ProjectId, ScanCursor};

use super::codec::{Reader, put_bytes, put_u64};
use super::cursor::{FileCursor, Merged};
use super::error::{EventsError, Result};
use super::file::{ALL_FIELDS, Fields, PROFILE_FIELDS, Page};
use super::index::key;
use super::row::ProfileRef;
use super::schema::{Field, Table};
use super::{Events, IdRef, RowRef};

/// Pages of files that one call reads, about: more, and a rare flag would keep its caller waiting.
const MAX_PAGES: u64 = 1024;

/// The columns that tell whether a row is asked for, and its place in the order.
const FILTER_FIELDS: Fields = PROFILE_FIELDS
    | 1 << Field::FlagKey as u32
    | 1 << Field::Kind as u32
    | 1 << Field::WriteFlag as u32
    | 1 << Field::WriteVariant as u32
    | 1 << Field::Time as u32
    | 1 << Field::Position as u32;

impl Events {
    /// A page of the stored events of a project, in the order of profile, flag, time and position.
    ///
    /// An event is in exactly one page of a scan, whatever is merged meanwhile. Only events at
    /// `positions` are given: a scan that names the positions below [`Self::converted`] as of its
    /// beginning sees none of those that are converted later.
    pub fn scan(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        positions: Range<u64>,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<EventPage> {
        let from = Place::decode(&from.0)?;
        let first_key = match &from {
            Some(place) => key(project.0, place.profile()),
            None => project.0.to_be_bytes().to_vec(),
        };
        let mut last_key = project.0.to_be_bytes().to_vec();
        last_key.push(u8::MAX);
        let wanted = Wanted { project, filter, positions: positions.clone() };
        let mut cursors = Vec::new();
        for file in self.live().of(Table::Events) {
            let (first, last) = file.meta.positions;
            if last < positions.start || first >= positions.end {
                continue;
            }
            let pages = file.index.pages_between(&first_key, &last_key);
            let mut cursor = FileCursor::within(Arc::clone(file), pages, FILTER_FIELDS)?;
            cursor.seek(|row| {
                row.project < project
                    || from.as_ref().is_some_and(|from| from.is_behind(project, row))
            })?;
            settle(&mut cursor, &wanted)?;
            cursors.push(cursor);
        }
        let mut n_pages: u64 = cursors.iter().map(FileCursor::n_pages_read).sum();
        let mut rows = Merged::new(Table::Events, cursors);
        let mut events = Vec::new();
        while let Some(cursor) = rows.first() {
            let Some((page, row)) = cursor.page() else { break };
            if page.row(row).project != project {
                break;
            }
            if events.len() >= limit || n_pages > MAX_PAGES {
                let next = Place::of(&page.row(row)).encode();
                return Ok(EventPage { events, next: Some(ScanCursor(next)) });
            }
            if wanted.matches(page, row) {
                cursor.read_more(ALL_FIELDS)?;
                events.extend(cursor.row().map(|row| row.to_event()));
            }
            n_pages += rows.advance_with(|cursor| settle(cursor, &wanted))?;
        }
        Ok(EventPage { events, next: None })
    }
}

/// Goes on to a row that is wanted, or by 64 pages.
fn settle(cursor: &mut FileCursor, wanted: &Wanted<'_>) -> Result<()> {
    let start = cursor.n_pages_read();
    while let Some((page, row)) = cursor.page() {
        let next = (row..page.n_rows).find(|&row| wanted.matches(page, row));
        match next {
            Some(next) => {
                cursor.skip_to(next);
                return Ok(());
            }
            None => cursor.next_page()?,
        }
        if cursor.n_pages_read() > start + 64 {
            return Ok(());
        }
    }
    Ok(())
}

/// What a scan is for.
struct Wanted<'a> {
    project: ProjectId,
    filter: EventFilter<'a>,
    positions: Range<u64>,
}

impl Wanted<'_> {
    fn matches(&self, page: &Page, row: usize) -> bool {
        let flag = self.filter.flag.is_none_or(|flag| {
            let is_written = || page.writes(row).iter().any(|(written, _)| written == flag);
            page.flag(row) == flag || (!self.filter.exposures_only && is_written())
        });
        flag && (!self.filter.exposures_only || page.is_exposure(row))
            && self.positions.contains(&page.position(row))
            && page.project(row) == self.project
    }
}

/// A place in the order of rows: that of the next row to come.
struct Place {
    is_user: bool,
    id: Box<str>,
    flag: Box<str>,
    time: Timestamp,
    position: u64,
}

impl Place {
    fn of(row: &RowRef<'_>) -> Self {
        let profile = row.profile();
        Self {
            is_user: profile.is_user,
            id: profile.id.to_text(),
            flag: row.flag().into(),
            time: row.time,
            position: row.position,
        }
    }

    fn profile(&self) -> ProfileRef<'_> {
        ProfileRef { is_user: self.is_user, id: IdRef::parse(&self.id) }
    }

    /// Whether a row comes before this place.
    fn is_behind(&self, project: ProjectId, row: &RowRef<'_>) -> bool {
        let place = (project, self.profile(), &*self.flag, self.time, self.position);
        (row.project, row.profile(), row.flag(), row.time, row.position).cmp(&place)
            == Ordering::Less
    }

    fn encode(&self) -> Vec<u8> {
        let mut to = vec![u8::from(self.is_user)];
        put_bytes(&mut to, self.id.as_bytes());
        put_bytes(&mut to, self.flag.as_bytes());
        put_u64(&mut to, self.time.as_micros() as u64);
        put_u64(&mut to, self.position);
        to
    }

    fn decode(bytes: &[u8]) -> Result<Option<Self>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut from = Reader::new(bytes);
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(Box::<str>::from);
        let place = (|| {
            Some(Self {
                is_user: from.u8()? != 0,
                id: text(from.bytes()?)?,
                flag: text(from.bytes()?)?,
                time: Timestamp::from_micros(from.u64()? as i64),
                position: from.u64()?,
            })
        })();
        place.filter(|_| from.is_empty()).map(Some).ok_or(EventsError::Cursor)
    }
}
