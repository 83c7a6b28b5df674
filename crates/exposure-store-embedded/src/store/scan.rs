//! Scans: profiles shard by shard in the order of their keys, events file by file and then the log.

use exposure_core::ProfileState;
use exposure_store::{
    Error, EventFilter, EventPage, ProfilePage, ProjectId, Result, ScanCursor, StoredEvent,
};

use super::Inner;
use super::history::{damaged, stored_event};
use super::state::log_error;
use crate::frame::{EventRecord, FrameRef, InsertTexts, NO_POSITION, Records, Status};
use crate::keys::ProfileKey;
use crate::log::LogError;
use crate::state::{N_SHARDS, profile_state};

/// Profiles looked at under the lock at a time.
const AT_ONCE: usize = 256;
/// Profiles looked at in one call at most: a page of a small project among large ones ends early.
const PER_CALL: usize = 16_384;
/// Bytes of log that one call reads at most.
const READ_AT_ONCE: u64 = 16 << 20;

impl Inner {
    /// A page of a project's profiles. The cursor is a shard and the greatest tag seen in it.
    pub(crate) async fn scan_profiles(
        &self,
        project: ProjectId,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<ProfilePage> {
        let (mut shard, mut after) = profile_cursor(from)?;
        let (mut profiles, mut looked_at, mut last) = (Vec::new(), 0, 0);
        while shard < N_SHARDS {
            let take = AT_ONCE.min(limit - profiles.len());
            let tags = self.state.lock().shards[shard].tags_after(after, take);
            let Some(&greatest) = tags.last() else {
                (shard, after) = (shard + 1, None);
                continue;
            };
            looked_at += tags.len();
            last = last.max(self.profiles_of(project, shard, &tags, &mut profiles)?);
            after = Some(greatest);
            if profiles.len() >= limit || looked_at >= PER_CALL {
                break;
            }
        }
        if last > 0 {
            self.settled(last).await?;
        }
        let next = (shard < N_SHARDS).then(|| {
            let mut bytes = (shard as u32).to_be_bytes().to_vec();
            if let Some(after) = after {
                bytes.extend_from_slice(&after.to_be_bytes());
            }
            ScanCursor(bytes)
        });
        Ok(ProfilePage { profiles, next })
    }

    /// Adds the profiles with these tags; returns the latest position among them.
    fn profiles_of(
        &self,
        project: ProjectId,
        shard: usize,
        tags: &[u64],
        profiles: &mut Vec<ProfileState>,
    ) -> Result<u64> {
        loop {
            let cold = {
                let texts = self.interner.read();
                let state = self.state.lock();
                let part = &state.shards[shard];
                let keys =
                    tags.iter().map(|&tag| ProfileKey((u128::from(tag) << 64) | shard as u128));
                let cold = self.cold_among(&state, keys);
                if cold.is_empty() {
                    let mut last = 0;
                    for profile in part.with_tags(tags).filter(|profile| profile.project == project)
                    {
                        if profile.last != NO_POSITION {
                            last = last.max(profile.last);
                        }
                        if !profile.is_blank() {
                            profiles.push(profile_state(profile, &texts, &part.long));
                        }
                    }
                    return Ok(last);
                }
                cold
            };
            self.warm(&cold)?;
        }
    }

    /// A page of a project's stored events. The cursor is where the log part began, then either
    /// the cursor of the files or the position in the log.
    pub(crate) fn scan_events(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<EventPage> {
        let cursor = if from.0.is_empty() {
            EventCursor { border: self.converted_position(), files: Some(Vec::new()), position: 0 }
        } else {
            EventCursor::decode(&from.0)?
        };
        if let Some(files) = &cursor.files {
            let positions = cursor.position..cursor.border;
            let (events, next) = self.scan_archive(project, filter, files, positions, limit)?;
            let next = match next {
                Some(files) => EventCursor { files: Some(files), ..cursor },
                None => self.go_on(cursor.border),
            };
            return Ok(EventPage { events, next: Some(ScanCursor(next.encode())) });
        }
        self.scan_log(project, filter, &cursor, limit)
    }

    /// Where a scan goes on behind a position: in the log, or, where the log let go of it
    /// meanwhile, in the files that came since.
    fn go_on(&self, position: u64) -> EventCursor {
        let (start, border) = (self.log.start(), self.converted_position());
        if position < start.min(border) {
            return EventCursor { border, files: Some(Vec::new()), position };
        }
        // A segment may end before the next one begins.
        EventCursor { border: position, files: None, position: position.max(start) }
    }

    fn scan_log(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        cursor: &EventCursor,
        limit: usize,
    ) -> Result<EventPage> {
        let from = cursor.position;
        let mut events = Vec::new();
        let mut next = from;
        let mut reader = match self.log.reader(from) {
            Err(LogError::Released { .. }) => {
                let next = ScanCursor(self.go_on(from).encode());
                return Ok(EventPage { events, next: Some(next) });
            }
            reader => reader.map_err(log_error)?,
        };
        loop {
            let group = match reader.next_group() {
                Ok(Some(group)) => group,
                Ok(None) => return Ok(EventPage { events, next: None }),
                Err(LogError::Released { .. }) => {
                    let next = self.go_on(next);
                    return Ok(EventPage { events, next: Some(ScanCursor(next.encode())) });
                }
                Err(error) => return Err(log_error(error)),
            };
            let (mut at, mut rest) = (group.position, group.payload);
            while !rest.is_empty() {
                let (frame, behind) = FrameRef::split(rest).map_err(|what| damaged(at, what))?;
                let end = at + frame.bytes.len() as u64;
                if end > from {
                    next =
                        self.scan_frame(project, filter, from, at, &frame, limit, &mut events)?;
                }
                if events.len() >= limit || next.saturating_sub(from) > READ_AT_ONCE {
                    let next = EventCursor { border: cursor.border, files: None, position: next };
                    return Ok(EventPage { events, next: Some(ScanCursor(next.encode())) });
                }
                at = end;
                rest = behind;
            }
        }
    }

    /// Adds a frame's events at or after a position, until there are `limit`; returns the
    /// position to go on at.
    #[expect(clippy::too_many_arguments, reason = "what is wanted, and where it is")]
    fn scan_frame(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        from: u64,
        base: u64,
        frame: &FrameRef<'_>,
        limit: usize,
        events: &mut Vec<StoredEvent>,
    ) -> Result<u64> {
        let end = base + frame.bytes.len() as u64;
        if !frame.kind.is_events() {
            return Ok(end);
        }
        let mut texts = InsertTexts::default();
        let records = Records::of(base, frame, &mut texts).map_err(|what| damaged(base, what))?;
        let origin = *records.origin();
        if origin.project != project {
            return Ok(end);
        }
        for (position, record) in records {
            if events.len() >= limit {
                return Ok(position);
            }
            let record = record.map_err(|what| damaged(position, what))?;
            let wanted =
                position >= from && record.status == Status::Merged && passes(filter, &record);
            if wanted && !self.is_erased(project, &record)? {
                events.push(stored_event(&record, &origin, position));
            }
        }
        Ok(end)
    }
}

fn passes(filter: EventFilter<'_>, record: &EventRecord<'_>) -> bool {
    if filter.exposures_only && !record.event.kind().is_exposure() {
        return false;
    }
    filter.flag.is_none_or(|flag| {
        let is_exposed =
            record.event.exposed().is_some_and(|(exposed, ..)| exposed.as_str() == flag);
        let is_written = || record.event.writes().any(|write| write.flag.as_str() == flag);
        is_exposed || (!filter.exposures_only && is_written())
    })
}

fn profile_cursor(from: &ScanCursor) -> Result<(usize, Option<u64>)> {
    if from.0.is_empty() {
        return Ok((0, None));
    }
    let (shard, rest) = from.0.split_first_chunk::<4>().ok_or(Error::CursorInvalid)?;
    let after = match rest.len() {
        0 => None,
        8 => Some(u64::from_be_bytes(rest.try_into().map_err(|_| Error::CursorInvalid)?)),
        _ => return Err(Error::CursorInvalid),
    };
    let shard = u32::from_be_bytes(*shard) as usize;
    if shard < N_SHARDS { Ok((shard, after)) } else { Err(Error::CursorInvalid) }
}

/// Where a scan of events goes on.
struct EventCursor {
    /// Events below are taken from files, the others from the log.
    border: u64,
    /// The cursor within the files, until they are done.
    files: Option<Vec<u8>>,
    /// Where the part begins that is scanned: in files, below the border, or in the log.
    position: u64,
}

impl EventCursor {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.border.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.position.to_be_bytes());
        if let Some(files) = &self.files {
            bytes.push(1);
            bytes.extend_from_slice(files);
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let (border, rest) = bytes.split_first_chunk::<8>().ok_or(Error::CursorInvalid)?;
        let (position, rest) = rest.split_first_chunk::<8>().ok_or(Error::CursorInvalid)?;
        Ok(Self {
            border: u64::from_be_bytes(*border),
            position: u64::from_be_bytes(*position),
            files: rest.split_first().map(|(_, files)| files.to_vec()),
        })
    }
}
