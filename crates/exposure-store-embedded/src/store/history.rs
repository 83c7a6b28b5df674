//! One profile's stored events: the newest through their chain in the log, the older ones from files.

use std::sync::atomic::Ordering;

use exposure_core::{Effects, RawId, SeenKey};
use exposure_store::{Error, Origin, ProjectId, Result, StoredEvent, StoredWrite};

use super::Inner;
use super::state::log_error;
use crate::frame::{
    EVENTS_HEADER, EventRecord, FRAME_MIN, Malformed, NO_POSITION, Status, decode_origin,
};
use crate::log::LogError;

/// Bytes read of a record at first: most are shorter.
const GUESS: usize = 512;

impl Inner {
    /// Waits until what a read saw is durable.
    pub(crate) async fn settled(&self, last: u64) -> Result<()> {
        if last == NO_POSITION {
            return Ok(());
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
        // The files' end is taken before the walk: what moves from the log to a file meanwhile
        // is then found in the log, whose segments outlive the move.
        let converted = self.converted_position();
        let mut events = self.archived(project, id, converted)?;
        let mut position = last;
        while position != NO_POSITION && position >= converted {
            let (bytes, origin) = self.read_record(position)?;
            let record = EventRecord::decode(&bytes).map_err(|what| damaged(position, what))?;
            let user = record.event.ids.user().map(|user| user.as_str());
            let named_by_user = matches!(id, RawId::User(id) if user == Some(id));
            let previous = if named_by_user || user.is_none() {
                record.previous
            } else {
                record.previous_device
            };
            if record.status == Status::Merged {
                events.push(stored_event(&record, &origin, position));
            }
            position = previous;
        }
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

    /// Reads a record and the origin of its frame.
    fn read_record(&self, position: u64) -> Result<(Vec<u8>, Origin)> {
        let available = self.log.durable().saturating_sub(position).min(GUESS as u64) as usize;
        let mut bytes = vec![0; available];
        // A payload may end before the guess does.
        while let Err(error) = self.log.read_exact_at(position, &mut bytes) {
            match error {
                LogError::OutOfRange { .. } if bytes.len() > 4 => {
                    bytes.truncate((bytes.len() / 2).max(4))
                }
                error => return Err(log_error(error)),
            }
        }
        let length = EventRecord::length_of(&bytes).map_err(|what| damaged(position, what))?;
        if length > bytes.len() {
            bytes.resize(length, 0);
            self.log.read_exact_at(position, &mut bytes).map_err(log_error)?;
        }
        bytes.truncate(length);
        let in_frame =
            bytes.get(4..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
        let frame = position
            .checked_sub(u64::from(in_frame))
            .ok_or_else(|| damaged(position, Malformed("an event lies before its frame")))?;
        let mut header = [0; EVENTS_HEADER];
        self.log.read_exact_at(frame, &mut header).map_err(log_error)?;
        let origin = decode_origin(&header[FRAME_MIN..]).map_err(|what| damaged(frame, what))?;
        Ok((bytes, origin))
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
    let event = &record.event;
    let mut effects = Effects::None;
    for &effect in record.own_effect.iter().chain(&record.extra_effects) {
        effects.push(effect);
    }
    StoredEvent {
        position,
        kind: event.kind(),
        event_type: event.event_type().into(),
        user: event.ids.user().map(|user| user.as_str().into()),
        device: event.ids.device().map(|device| device.as_str().into()),
        time: event.time,
        received: origin.received,
        sequence: event.sequence,
        insert_id: event.insert_id.map(|id| id.as_str().into()),
        exposed: event.exposed().map(|(flag, variant, run)| SeenKey {
            flag: flag.as_str().into(),
            experiment_key: run.map_or("", |run| run.as_str()).into(),
            variant: variant.map(|variant| variant.as_str().into()),
        }),
        writes: event
            .writes()
            .map(|write| StoredWrite {
                flag: write.flag.as_str().into(),
                variant: write.change.variant().map(Into::into),
            })
            .collect(),
        payload: event.payload.into(),
        key: origin.key,
        library: event.library.into(),
        notes: event.notes,
        effects,
    }
}
