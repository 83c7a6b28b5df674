use std::time::Instant;

use exposure_store::{KeyId, UsageRow};

use super::format_day;
use crate::page::{Bounds, Query, Writer};
use crate::{Caller, Handle, Listing, Page, Position, Result, Scope, ServiceError, meter};

/// A count of usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLine {
    /// The day of receipt in UTC, `YYYY-MM-DD`.
    pub day: String,
    /// The kind: `exposure`, `impression`, `assignment`, `identify`, `track`, ….
    pub kind: &'static str,
    /// The event type.
    pub event_type: Box<str>,
    /// The key it was sent with.
    pub key: KeyId,
    /// The sender library, or empty.
    pub library: Box<str>,
    /// How many events, a duplicate once.
    pub events: u64,
    /// How many of them are billable.
    pub billable: u64,
}

impl Handle {
    /// Usage by day of receipt, kind, event type, key and library; both days included.
    ///
    /// Days are counted from the epoch ([`parse_day`](crate::parse_day)); `None` is the first
    /// day there is, and the last.
    pub async fn usage(
        &self,
        caller: &Caller,
        from_day: Option<i64>,
        to_day: Option<i64>,
        page: &Page,
    ) -> Result<Listing<UsageLine>> {
        caller.require(Scope::Read)?;
        let started = Instant::now();
        let from = from_day.unwrap_or(i64::MIN);
        let to = to_day.unwrap_or(i64::MAX);
        if from > to {
            return Err(ServiceError::invalid("end_day", "`end_day` is before `start_day`"));
        }
        let query = Query::new("usage", caller.project())
            .with(Some(&from.to_string()))
            .with(Some(&to.to_string()));
        let limit = page.limit(Bounds::LONG)?;
        let after = match query.place(page)? {
            Some(mut place) => Some((
                place.number()? as i64,
                place.number()? as u8,
                place.text()?,
                KeyId(place.number()? as u32),
                place.text()?,
            )),
            None => None,
        };
        let position = Position::at(&self.store().feed_end());
        // The rows come in the order of their keys; a page begins behind the last one's.
        let begin = after.as_ref().map_or(from, |after| after.0.max(from));
        let mut rows = self.store().usage(caller.project(), begin, to).await?;
        if let Some((day, kind, event_type, key, library)) = &after {
            let after = (*day, *kind, &**event_type, *key, &**library);
            rows.retain(|row| place_of(row) > after);
        }
        let is_last = rows.len() <= limit;
        rows.truncate(limit);
        let next_page_token = match rows.last() {
            Some(row) if !is_last => query.token(
                Writer::default()
                    .number(row.day as u64)
                    .number(u64::from(row.kind as u8))
                    .bytes(row.event_type.as_bytes())
                    .number(row.key.0.into())
                    .bytes(row.library.as_bytes()),
            ),
            _ => String::new(),
        };
        meter::query("usage", started.elapsed());
        Ok(Listing { items: rows.into_iter().map(line).collect(), next_page_token, position })
    }
}

fn place_of(row: &UsageRow) -> (i64, u8, &str, KeyId, &str) {
    (row.day, row.kind as u8, &row.event_type, row.key, &row.library)
}

fn line(row: UsageRow) -> UsageLine {
    UsageLine {
        day: format_day(row.day),
        kind: row.kind.as_str(),
        event_type: row.event_type,
        key: row.key,
        library: row.library,
        events: row.events,
        billable: if row.kind.is_billable() { row.events } else { 0 },
    }
}
