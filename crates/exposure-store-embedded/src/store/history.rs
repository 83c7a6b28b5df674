//! One profile's stored events: the newest through their chain in the log, the older ones from files.

use std::sync::atomic::Ordering;

use exposure_core::{Effects, RawId};
use exposure_store::{Error, Origin, ProjectId, Result, StoredEvent, StoredLink};

use super::Inner;
use super::archive::events_error;
use super::state::log_error;
use crate::frame::{
    EventRecord, EventsHead, HEAD_AT_MOST, InsertTexts, Malformed, NO_POSITION, RECORD_MIN,
    SPAN_AT_MOST, Status, record_span,
};
use crate::log::LogError;

/// Bytes read of a record at first: most are shorter. Where a payload ends before, as many as tell its length.
const GUESSES: [usize; 3] = [256, SPAN_AT_MOST, RECORD_MIN];

impl Inner {
    /// Waits until what a read saw is durable.
    pub(crate) async fn settled(&self, last: u64) -> Result<()> {
        // An erasure leaves a profile's last record as it was.
        let erased = self.erased_end.load(Ordering::Relaxed);
        self.log.wait_durable(erased).await.map_err(log_error)?;
        if last == NO_POSITION {
            return Ok(());
        }
        if self.failed_from.load(Ordering::Acquire) <= last {
            // It may wait for ever: a commit that failed half-way is in the state, and not in the log.
            self.check_intact()?;
        }
        self.log.wait_durable(last.saturating_add(1)).await.map_err(log_error)
    }

    /// Every stored event of a raw id, by position.
    pub(crate) async fn history(
        &self,
        project: ProjectId,
        id: RawId<'_>,
    ) -> Result<Vec<StoredEvent>> {
        let key = self.secret.profile(project, id);
        let last = self.with_profile(key, |profile, _, _| profile.last)?;
        let Some(last) = last else { return Ok(Vec::new()) };
        self.settled(last).await?;
        self.history_to(project, id, last)
    }

    /// Every stored event of a raw id whose latest record is durable.
    pub(crate) fn history_to(
        &self,
        project: ProjectId,
        id: RawId<'_>,
        last: u64,
    ) -> Result<Vec<StoredEvent>> {
        let (mut events, recent) =
            self.with_recent(id, last, |converted| self.archived(project, id, converted))?;
        if !id.is_user() {
            // Folded already, while the others of their time are still on their way out.
            let key = self.secret.profile(project, id);
            let until = self.with_profile(key, |profile, _, _| {
                profile.more.as_ref().map_or(0, |more| more.folded_until)
            })?;
            let until = until.unwrap_or(0);
            events.retain(|event| event.user.is_some() || event.position >= until);
        }
        events.extend(recent);
        if self.any_erased.load(Ordering::Relaxed) {
            // What stands beside a user on a device is that user's.
            let mut kept = Vec::with_capacity(events.len());
            for event in events {
                if self.erased_until(project, event.raw())?.is_none_or(|until| event.time > until) {
                    kept.push(event);
                }
            }
            events = kept;
        }
        events.sort_unstable_by_key(|event| event.position);
        Ok(events)
    }

    /// Every link of a device, in order of time and user.
    pub(crate) async fn links(&self, project: ProjectId, device: &str) -> Result<Vec<StoredLink>> {
        let key = self.secret.profile(project, RawId::Device(device));
        let last = self.with_profile(key, |profile, _, _| profile.last)?;
        let Some(last) = last else { return Ok(Vec::new()) };
        self.settled(last).await?;
        self.links_to(project, device, last)
    }

    /// Every link of a device whose latest record is durable.
    pub(crate) fn links_to(
        &self,
        project: ProjectId,
        device: &str,
        last: u64,
    ) -> Result<Vec<StoredLink>> {
        let (mut links, recent) = self.with_recent(RawId::Device(device), last, |converted| {
            let mut links = self.events.links(project, device).map_err(events_error)?;
            links.retain(|link| link.position < converted);
            Ok(links)
        })?;
        links.extend(recent.into_iter().filter_map(StoredLink::of));
        let mut kept = Vec::with_capacity(links.len());
        for link in links {
            let until = self.erased_until(project, RawId::User(&link.user))?;
            if until.is_none_or(|until| link.time > until) {
                kept.push(link);
            }
        }
        kept.sort_unstable();
        Ok(kept)
    }

    /// What `archived` finds in files below a position, and the events of a raw id from there on.
    fn with_recent<T>(
        &self,
        id: RawId<'_>,
        last: u64,
        archived: impl Fn(u64) -> Result<T>,
    ) -> Result<(T, Vec<StoredEvent>)> {
        loop {
            // The files' end is taken before the walk: what moves from the log to a file meanwhile
            // is found in the log, or, where the log let it go already, in the files of a later end.
            let converted = self.converted_position();
            let older = archived(converted)?;
            match self.recent(id, last, converted) {
                Err(Error::CursorExpired) if self.converted_position() > converted => {}
                recent => return Ok((older, recent?)),
            }
        }
    }

    /// The events of a raw id that are not in files yet, the latest first.
    fn recent(&self, id: RawId<'_>, last: u64, converted: u64) -> Result<Vec<StoredEvent>> {
        let mut events = Vec::new();
        let mut text = InsertTexts::default();
        let mut position = last;
        while position != NO_POSITION && position >= converted {
            let (bytes, frame) = self.read_record(position)?;
            let head = EventsHead::read(&frame).map_err(|what| damaged(position, what))?;
            let record =
                head.decode_one(&bytes, &mut text).map_err(|what| damaged(position, what))?;
            let user = record.event.ids.user().map(exposure_core::UserId::as_str);
            let named_by_user = matches!(id, RawId::User(id) if user == Some(id));
            let previous = if named_by_user || user.is_none() {
                record.previous
            } else {
                record.previous_device
            };
            if record.status == Status::Merged {
                events.push(stored_event(&record, &head.origin, position));
            }
            position = previous;
        }
        Ok(events)
    }

    /// Reads a record and the beginning of its frame.
    fn read_record(&self, position: u64) -> Result<(Vec<u8>, Vec<u8>)> {
        let available = self.log.durable().saturating_sub(position);
        let mut bytes = Vec::new();
        for guess in GUESSES {
            bytes.resize(available.min(guess as u64) as usize, 0);
            match self.log.read_exact_at(position, &mut bytes) {
                Err(LogError::OutOfRange { .. }) if guess > RECORD_MIN => {}
                read => {
                    read.map_err(log_error)?;
                    break;
                }
            }
        }
        let (length, in_frame) = record_span(&bytes).map_err(|what| damaged(position, what))?;
        if length > bytes.len() {
            bytes.resize(length, 0);
            self.log.read_exact_at(position, &mut bytes).map_err(log_error)?;
        }
        bytes.truncate(length);
        let at = position
            .checked_sub(in_frame as u64)
            .ok_or_else(|| damaged(position, Malformed("an event lies before its frame")))?;
        let mut frame = vec![0; in_frame.min(HEAD_AT_MOST)];
        self.log.read_exact_at(at, &mut frame).map_err(log_error)?;
        Ok((bytes, frame))
    }
}

/// What is wrong at a position of the log.
pub(crate) fn damaged(position: u64, what: Malformed) -> Error {
    Error::Corrupt { file: "log".into(), what: format!("at position {position}: {}", what.0) }
}

/// A record as the port shows it.
pub(crate) fn stored_event(
    record: &EventRecord<'_>,
    origin: &Origin,
    position: u64,
) -> StoredEvent {
    let mut effects = Effects::None;
    for &effect in record.own_effect.iter().chain(&record.extra_effects) {
        effects.push(effect);
    }
    StoredEvent::new(position, origin, &record.event, effects)
}
