//! Where the log ends and the files begin: turning log into stored events, and reading them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Instant;

use exposure_core::{Effects, RawId, Subject, Timestamp};
use exposure_store::{Error, EventFilter, Origin, ProjectId, Result, ScanCursor, StoredEvent};

use super::Inner;
use super::history::damaged;
use super::state::log_error;
use crate::events::{
    EventsError, ExposedRef, IdRef, IsErased, Pacer, Retention, RowBatch, RowRef, WritesRef,
    effects_text,
};
use crate::frame::{EventRecord, FrameRef, InsertTexts, Records, Status};

/// Rows that are turned into one file at most, about: they are sorted in memory.
const ROWS_AT_ONCE: usize = 1 << 20;
/// Bytes of memory that these take at most, about.
const BYTES_AT_ONCE: usize = 192 << 20;
/// Rows whose memory is kept for the next ones: the system would take it back, and have to clear it again.
const BUSY_ROWS: usize = 64 << 10;

impl Inner {
    /// Everything below this position of the log is in files.
    pub(crate) fn converted_position(&self) -> u64 {
        self.events.converted()
    }

    /// The stored events of a raw id that are in files, below a position.
    pub(crate) fn archived(
        &self,
        project: ProjectId,
        id: RawId<'_>,
        below: u64,
    ) -> Result<Vec<StoredEvent>> {
        let found = match id {
            RawId::User(_) => self.events.lookup(project, id),
            RawId::Device(device) => self.events.device_events(project, device),
        };
        let mut events = found.map_err(events_error)?;
        let begin = self.retired.load(Ordering::Acquire);
        events.retain(|event| (begin..below).contains(&event.position));
        Ok(events)
    }

    /// A page of the stored events in files, within positions, and where the next one begins.
    pub(crate) fn scan_archive(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        cursor: &[u8],
        positions: Range<u64>,
        limit: usize,
    ) -> Result<(Vec<StoredEvent>, Option<Vec<u8>>)> {
        let from = ScanCursor(cursor.to_vec());
        let begin = self.retired.load(Ordering::Acquire).max(positions.start);
        let positions = begin..positions.end;
        let mut page =
            self.events.scan(project, filter, positions, &from, limit).map_err(events_error)?;
        if self.any_erased.load(Ordering::Relaxed) {
            let mut kept = Vec::with_capacity(page.events.len());
            for event in page.events {
                if self.erased_until(project, event.raw())?.is_none_or(|until| event.time > until) {
                    kept.push(event);
                }
            }
            page.events = kept;
        }
        Ok((page.events, page.next.map(|next| next.0)))
    }

    /// Turns log into files: all of it, or when enough came together or time passed. Says
    /// whether there may be more to do at once.
    pub(crate) fn convert(&self, pacer: &dyn Pacer, all: bool) -> Result<bool> {
        let _archiving = self.archiving.lock();
        loop {
            if self.check_writable().is_err() {
                return Ok(false);
            }
            let from = self.converted_position().max(self.log.start());
            let waiting = self.log.durable().saturating_sub(from);
            let due = all || waiting >= self.options.segment_bytes || self.convert_is_due();
            let mut more = false;
            if waiting > 0 && due {
                more = self.convert_some(from, pacer)?;
                self.converted_at.lock().replace(now());
            }
            if !(all && more) {
                self.tend_files(pacer, more)?;
                return Ok(more);
            }
        }
    }

    /// Whether the last conversion is long enough ago.
    fn convert_is_due(&self) -> bool {
        self.converted_at.lock().get_or_insert_with(now).elapsed() >= self.options.convert_every
    }

    /// Turns the next part of the log into files; says whether more is waiting.
    fn convert_some(&self, from: u64, pacer: &dyn Pacer) -> Result<bool> {
        let mut reader = self.log.reader(from).map_err(log_error)?;
        let mut rows = self.rows.lock().take().unwrap_or_default();
        rows.clear();
        let (mut to, mut more) = (from, false);
        let (mut texts, mut packed) = (InsertTexts::default(), Vec::new());
        while let Some(group) = reader.next_group().map_err(log_error)? {
            let (mut at, mut rest) = (group.position, group.payload);
            while !rest.is_empty() {
                let (frame, behind) = FrameRef::split(rest).map_err(|what| damaged(at, what))?;
                if at >= from && frame.kind.is_events() {
                    self.push_rows(&mut rows, at, &frame, &mut texts, &mut packed)?;
                }
                at += frame.bytes.len() as u64;
                rest = behind;
            }
            to = group.end();
            if rows.len() >= ROWS_AT_ONCE || rows.n_bytes() >= BYTES_AT_ONCE {
                more = true;
                break;
            }
        }
        if to > from {
            let begin = self.events.converted();
            self.events.convert(&rows, begin..to, pacer).map_err(events_error)?;
        }
        if rows.len() >= BUSY_ROWS {
            self.rows.lock().replace(rows);
        }
        Ok(more)
    }

    /// Adds a frame's merged events.
    fn push_rows(
        &self,
        rows: &mut RowBatch,
        base: u64,
        frame: &FrameRef<'_>,
        texts: &mut InsertTexts,
        packed: &mut Vec<u8>,
    ) -> Result<()> {
        let records = Records::of(base, frame, texts).map_err(|what| damaged(base, what))?;
        let origin = *records.origin();
        for (position, record) in records {
            let record = record.map_err(|what| damaged(position, what))?;
            let goes =
                record.status == Status::Merged && self.is_erased(origin.project, &record)?;
            if goes {
                self.await_erasures()?;
            } else if record.status == Status::Merged {
                packed.clear();
                push_row(rows, &origin, &record, position, packed);
            }
        }
        Ok(())
    }

    /// Waits until every erasure is durable: a row that goes because of one must not be missed after a crash.
    fn await_erasures(&self) -> Result<()> {
        let end = self.erased_end.load(Ordering::Relaxed);
        self.log.wait_durable(end).block().map_err(log_error)
    }

    /// Merges files, drops what is erased or past its time, and removes what nobody reads. Where
    /// more of the log waits, files are merged only when they are too many.
    fn tend_files(&self, pacer: &dyn Pacer, more: bool) -> Result<()> {
        let is_erased = |project: ProjectId, id: RawId<'_>, time: Timestamp| {
            let until = self.erased_until(project, id).ok().flatten();
            until.is_some_and(|until| time <= until) && self.await_erasures().is_ok()
        };
        self.retire()?;
        let from = self.retired.load(Ordering::Acquire);
        self.events.drop_before(from).map_err(events_error)?;
        self.purge(pacer)?;
        // An erasure that comes from here on is purged when the files that are made now are live.
        let any_erased = self.any_erased.load(Ordering::Acquire);
        let is_erased: Option<&IsErased<'_>> = if any_erased { Some(&is_erased) } else { None };
        let retention = Retention { from, is_erased };
        if more {
            self.events.merge_crowded(&retention, pacer).map_err(events_error)?;
        } else {
            self.events.merge(&retention, pacer).map_err(events_error)?;
        }
        self.events.remove_gone(pacer).map_err(events_error)?;
        Ok(())
    }

    /// What came in before this is not kept.
    pub(crate) fn retention_begins(&self) -> Timestamp {
        let now = self.clock.load(Ordering::Relaxed) as i64;
        Timestamp::from_micros(now.saturating_sub(self.options.retention.as_micros() as i64))
    }

    /// Until when a profile is erased, if it is.
    pub(crate) fn erased_until(
        &self,
        project: ProjectId,
        id: RawId<'_>,
    ) -> Result<Option<Timestamp>> {
        if !self.any_erased.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let key = self.secret.profile(project, id);
        let until = self.with_profile(key, |profile, _, _| {
            profile.more.as_ref().and_then(|more| more.erased_until)
        })?;
        Ok(until.flatten())
    }
}

impl From<EventsError> for Error {
    fn from(error: EventsError) -> Self {
        events_error(error)
    }
}

fn now() -> Instant {
    Instant::now()
}

fn push_row(
    rows: &mut RowBatch,
    origin: &Origin,
    record: &EventRecord<'_>,
    position: u64,
    packed: &mut Vec<u8>,
) {
    let event = &record.event;
    let own = event.own_write().is_some();
    for write in event.writes().skip(usize::from(own)) {
        WritesRef::pack(write.flag.as_str(), write.change.variant(), packed);
    }
    let effects: Cow<'_, str> = match (record.own_effect, record.extra_effects.as_slice()) {
        (Some(effect), []) => Cow::Borrowed(effect.as_str()),
        (None, []) => Cow::Borrowed(""),
        (own, extra) => {
            let mut all = Effects::None;
            own.iter().chain(extra).for_each(|&effect| all.push(effect));
            Cow::Owned(effects_text(&all).into_owned())
        }
    };
    rows.push(&RowRef {
        project: origin.project,
        user: event.ids.user().map(|user| IdRef::parse(user.as_str())),
        device: event.ids.device().map(|device| IdRef::parse(device.as_str())),
        kind: event.kind(),
        event_type: event.event_type(),
        exposed: match event.subject {
            Subject::Exposure { flag, variant, experiment_key, .. } => Some(ExposedRef {
                flag: flag.as_str(),
                experiment_key: experiment_key.map_or("", |key| key.as_str()),
                variant: variant.map(exposure_core::Variant::as_str),
            }),
            Subject::Plain(_) | Subject::Outcome { .. } => None,
        },
        writes_exposed: own,
        time: event.time,
        received: origin.received,
        sequence: event.sequence,
        insert_id: match record.insert_uuid {
            Some(uuid) => Some(IdRef::Uuid(uuid)),
            None => event.insert_id.map(|id| IdRef::parse(id.as_str())),
        },
        writes: WritesRef::packed(packed),
        effects: &effects,
        payload: event.payload,
        key: origin.key,
        library: event.library,
        notes: event.notes,
        position,
    });
}

/// A failure of the files as the port tells it.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(crate) fn events_error(error: EventsError) -> Error {
    match &error {
        EventsError::Cursor => Error::CursorInvalid,
        EventsError::Damaged { path, .. }
        | EventsError::Missing { path }
        | EventsError::Version { path, .. } => {
            Error::Corrupt { file: path.display().to_string(), what: error.to_string() }
        }
        _ => Error::Io { file: "events".into(), cause: error.to_string() },
    }
}
