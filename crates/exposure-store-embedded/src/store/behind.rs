//! Recovery: the records of a frame that some part of the state is behind of.

use exposure_core::{Admitted, Ids, Kind, RawId};
use exposure_store::{Origin, Reject, Result};

use super::Prepared;
use super::approach::{Approach, Touch};
use super::history::damaged;
use super::merge::{Numbered, Parts, merge_record};
use super::prepare::Numbers;
use super::replay::{Replay, ReplayedId, no_numbers};
use crate::frame::{FrameRef, InsertTexts, Records, Sketch, Status};
use crate::intern::{TextId, Texts};
use crate::keys::ProfileKey;
use crate::state::shard_of;

/// A record that some part of the state is behind of.
struct Behind<'f> {
    position: u64,
    event: Admitted<'f>,
    status: Status,
    keys: Prepared,
    parts: Parts,
    /// Its insert id is added to the window now.
    in_window: bool,
}

impl Replay<'_> {
    /// Merges the records of a frame of events.
    pub(super) fn events(
        &mut self,
        numbers: &mut Numbers<'_>,
        base: u64,
        frame: &FrameRef<'_>,
        ledger: bool,
    ) -> Result<()> {
        let mut insert_texts = InsertTexts::default();
        let mut records =
            Records::of(base, frame, &mut insert_texts).map_err(|what| damaged(base, what))?;
        let origin = *records.origin();
        if frame.n_events > 0 {
            if ledger && self.share.is_first() {
                let end = base + frame.bytes.len() as u64;
                self.state.ledger.arrivals.add(origin.now, end, self.context.retention);
            }
            self.marks.advance(origin.now.as_micros());
        }
        let mut touches = Vec::with_capacity(records.len());
        let behind = self.behind(numbers, base, &mut records, ledger, &mut touches)?;
        let rejects_at = records.at();
        if self.context.any_cold {
            let keys: Vec<_> = touches.iter().map(|touch| touch.key).collect();
            (self.context.warm)(&mut self.state, &keys)?;
        }
        let texts = self.context.interner.read();
        for record in behind.iter().filter(|record| record.parts.ledger) {
            self.count(&origin, record, &texts);
        }
        let mut approach = Approach::new(origin.project, touches.len());
        while let Some((index, number)) = approach.next(&mut self.state, |index| {
            let touch = &touches[index];
            let record = &behind[touch.record];
            (touch, raw_id(touch, &record.event), &record.keys)
        }) {
            let touch = &touches[index];
            let record = &behind[touch.record];
            self.mark(record, touch, number);
            self.merge(&origin, record, touch, number, &texts);
        }
        drop(texts);
        self.rejects(base, frame, &origin, ledger && self.share.is_first(), rejects_at)
    }

    /// The records of a frame that some part of the state does not know yet, and the profiles of its own that they
    /// touch. The others are not read.
    fn behind<'f>(
        &mut self,
        numbers: &mut Numbers<'_>,
        base: u64,
        records: &mut Records<'f>,
        ledger: bool,
        touches: &mut Vec<Touch>,
    ) -> Result<Vec<Behind<'f>>> {
        let mut behind = Vec::with_capacity(records.len() / self.share.of + 1);
        let origin = *records.origin();
        while let Some((position, sketch)) = records.pass() {
            let sketch = sketch.map_err(|what| damaged(position, what))?;
            let (raw, device) = self.keys(&origin, &sketch);
            let raw_is_own = self.share.has(shard_of(raw));
            let has_id = sketch.has_insert_id && sketch.status == Status::Merged;
            let in_window = has_id && position >= self.context.covered;
            let parts = Parts {
                raw: self.is_behind(raw, base),
                device: device.is_some_and(|key| self.is_behind(key, base)),
                // What is kept of erased ones is kept in the order of the log.
                ledger: ledger
                    && if sketch.status == Status::Erased {
                        self.share.is_first()
                    } else {
                        raw_is_own
                    },
            };
            let owner_is_own = self.share.has(shard_of(device.unwrap_or(raw)));
            if !(parts.raw
                || parts.device
                || parts.ledger
                || (in_window && (raw_is_own || owner_is_own)))
            {
                continue;
            }
            let record = records.read(&sketch).map_err(|what| damaged(position, what))?;
            let event = record.event;
            self.n_records += u64::from(raw_is_own);
            // Who counts a record needs the numbers of its texts, too.
            let keys = if raw_is_own || parts.ledger {
                numbers
                    .prepare(&origin, &event, record.insert_uuid)
                    .map_err(|_| no_numbers(position))?
            } else {
                of_keys(raw, device, event.kind())
            };
            if in_window
                && raw_is_own
                && let Some((key, content)) = keys.insert
            {
                self.ids.push(ReplayedId {
                    key,
                    content,
                    received_us: origin.received.as_micros(),
                    inserted_us: self.marks.clock_us(),
                    position,
                });
            }
            let marks = in_window && owner_is_own;
            let record = behind.len();
            if parts.raw || (marks && device.is_none()) {
                touches.push(Touch { key: raw, record, is_device: false });
            }
            if let Some(key) = device
                && (parts.device || marks)
            {
                touches.push(Touch { key, record, is_device: true });
            }
            let status = sketch.status;
            behind.push(Behind { position, event, status, keys, parts, in_window });
        }
        numbers.pause();
        Ok(behind)
    }

    /// The profile that a record names, and its device where it names a user too.
    fn keys(&self, origin: &Origin, sketch: &Sketch<'_>) -> (ProfileKey, Option<ProfileKey>) {
        let key = |is_user, id| self.context.secret.profile_of(origin.project, is_user, id);
        let device = sketch.device.map(|id| key(false, id));
        match (sketch.user, device) {
            (Some(user), device) => (key(true, user), device),
            (None, Some(device)) => (device, None),
            (None, None) => (key(false, &[]), None),
        }
    }

    /// Counts a record.
    fn count(&mut self, origin: &Origin, record: &Behind<'_>, texts: &Texts) {
        let Behind { position, event, status, keys, .. } = record;
        let (position, limits) = (*position, self.context.limits);
        if *status == Status::Erased {
            let reject = Reject::erased(event);
            let state = &mut self.state;
            super::commit::keep_reject(state, texts, origin, &reject, position, limits);
        }
        let parts = Parts { raw: false, device: false, ledger: true };
        let nobody = Numbered { raw: 0, device: None };
        merge_record(
            &mut self.state,
            texts,
            origin,
            event,
            keys,
            nobody,
            position,
            *status,
            parts,
            limits,
        );
    }

    /// Merges a record into one of its profiles.
    fn merge(
        &mut self,
        origin: &Origin,
        record: &Behind<'_>,
        touch: &Touch,
        number: u32,
        texts: &Texts,
    ) {
        let Behind { position, event, status, keys, parts, .. } = record;
        let (at, parts) = if touch.is_device {
            let at = Numbered { raw: 0, device: Some(number) };
            (at, Parts { raw: false, device: parts.device, ledger: false })
        } else {
            // That it names a device too is told to its profile; the device's own is another touch.
            let at = Numbered { raw: number, device: keys.device.map(|_| 0) };
            (at, Parts { raw: parts.raw, device: false, ledger: false })
        };
        merge_record(
            &mut self.state,
            texts,
            origin,
            event,
            keys,
            at,
            *position,
            *status,
            parts,
            self.context.limits,
        );
    }

    /// Brings the activity of an insert id's owner up to a record.
    fn mark(&mut self, record: &Behind<'_>, touch: &Touch, number: u32) {
        let is_owner = touch.is_device || record.keys.device.is_none();
        if !is_owner || record.status != Status::Merged || record.event.insert_id.is_none() {
            return;
        }
        let Some(profile) = self.state.shard_mut(touch.key).get_mut(number) else { return };
        let mut activity = profile.activity;
        let is_behind = if touch.is_device { record.parts.device } else { record.parts.raw };
        // The window may be ahead of the owner's section: its bitmap must still tell where to look.
        if is_behind {
            self.marks.mark_written(record.position, &mut activity);
        }
        if record.in_window {
            self.marks.mark_added(&mut activity);
        }
        if profile.activity != activity {
            profile.activity = activity;
            profile.unsaved = true;
        }
    }
}

/// What is known of an event whose own profile is somebody else's.
const fn of_keys(raw: ProfileKey, device: Option<ProfileKey>, kind: Kind) -> Prepared {
    Prepared {
        raw,
        device,
        insert: None,
        insert_text: None,
        hash: 0,
        own: None,
        extra: Vec::new(),
        kind,
        event_type: TextId::NONE,
        library: TextId::NONE,
    }
}

/// The id of the profile that is touched.
fn raw_id<'e>(touch: &Touch, event: &Admitted<'e>) -> RawId<'e> {
    match event.ids {
        Ids::Both(_, device) if touch.is_device => RawId::Device(device.as_str()),
        _ => event.raw(),
    }
}
