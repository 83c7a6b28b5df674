//! Frames of events: their head, and their records one after the other.

use std::slice::IterMut;

use exposure_core::Timestamp;
use exposure_store::{KeyId, Origin, ProjectId};

use super::bytes::{Cursor, Malformed};
use super::event::EventRecord;
use super::header::{FRAME_MIN, FrameKind, FrameRef, FrameWriter};
use super::layout::{AT_PARTS, COMPACT, FIXED};
use super::{event_decode, event_v1};

/// Bytes of a head without its library.
const HEAD: usize = FRAME_MIN + 24 + 1;
/// Bytes of a frame's beginning that tell its head.
pub(crate) const HEAD_AT_MOST: usize = HEAD + u8::MAX as usize;

/// The least length of a record.
pub(crate) const RECORD_MIN: usize = FIXED;
/// Bytes of a record's beginning that tell its length; only a shorter one tells it by less.
pub(crate) const SPAN_AT_MOST: usize = FIXED + 8 + 4;

/// What the events of a frame have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventsHead<'a> {
    pub origin: Origin,
    /// The library of the records that name none of their own.
    pub library: &'a str,
    /// Which layout its records have.
    pub(super) is_compact: bool,
    /// Where they begin.
    begin: usize,
}

impl<'a> EventsHead<'a> {
    /// The head of a frame that is to be written. A library that is too long is named by each record.
    pub(crate) const fn new(origin: Origin, library: &'a str) -> Self {
        let library = if library.len() > u8::MAX as usize { "" } else { library };
        Self { origin, library, is_compact: true, begin: HEAD + library.len() }
    }

    /// Reads it from a frame, or from as much of its beginning as there is.
    pub(crate) fn read(frame: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor(frame);
        let common = cursor.array::<FRAME_MIN>()?;
        let is_compact = FrameKind::of(common[4])? == FrameKind::Events;
        let origin = Origin {
            project: ProjectId(cursor.u32()?),
            key: KeyId(cursor.u32()?),
            received: Timestamp::from_micros(cursor.i64()?),
            now: Timestamp::from_micros(cursor.i64()?),
        };
        let library = if is_compact {
            let n = cursor.u8()?;
            cursor.text(usize::from(n))?
        } else {
            ""
        };
        Ok(Self { origin, library, is_compact, begin: frame.len() - cursor.0.len() })
    }

    /// Reads a record of the frame. A UUID's text is written into the next of `texts`.
    pub(super) fn decode(
        &self,
        bytes: &'a [u8],
        texts: &mut IterMut<'a, [u8; 36]>,
    ) -> Result<EventRecord<'a>, Malformed> {
        if self.is_compact {
            event_decode::decode(bytes, self, texts)
        } else {
            event_v1::decode(bytes)
        }
    }

    /// Reads a single record of the frame.
    pub(crate) fn decode_one(
        &self,
        bytes: &'a [u8],
        text: &'a mut InsertTexts,
    ) -> Result<EventRecord<'a>, Malformed> {
        self.decode(bytes, &mut text.of(1).iter_mut())
    }
}

/// The length of the record that begins here, and where it stands in its frame.
pub(crate) fn record_span(bytes: &[u8]) -> Result<(usize, usize), Malformed> {
    let parts = Cursor(bytes.get(AT_PARTS..).unwrap_or_default()).u16()?;
    if parts & COMPACT == 0 { event_v1::span(bytes) } else { event_decode::span(bytes) }
}

/// Room for the texts of insert ids that are stored as UUIDs.
#[derive(Debug, Default)]
pub(crate) struct InsertTexts(Vec<[u8; 36]>);

impl InsertTexts {
    fn of(&mut self, n_events: usize) -> &mut [[u8; 36]] {
        if self.0.len() < n_events {
            self.0.resize(n_events, [0; 36]);
        }
        &mut self.0[..n_events]
    }
}

/// The records of a frame, each with its position.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    pub(super) head: EventsHead<'a>,
    pub(super) base: u64,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) left: usize,
    pub(super) texts: IterMut<'a, [u8; 36]>,
}

impl<'a> Records<'a> {
    /// The records of a frame that stands at a position.
    pub(crate) fn of<'f: 'a>(
        base: u64,
        frame: &FrameRef<'f>,
        texts: &'a mut InsertTexts,
    ) -> Result<Self, Malformed> {
        let head = EventsHead::read(frame.bytes)?;
        // No frame has more records than their least length allows.
        let n_texts = frame.n_events.min(frame.bytes.len() / FIXED);
        let texts = texts.of(if head.is_compact { n_texts } else { 0 }).iter_mut();
        let (at, left) = (head.begin, frame.n_events);
        Ok(Self { head, base, bytes: frame.bytes, at, left, texts })
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.head.origin
    }

    /// How many are still to come, as the frame says, and has room for.
    pub(crate) fn len(&self) -> usize {
        self.left.min(self.bytes.len() / FIXED)
    }

    /// Where in the frame the next record begins; behind the last one, its rejects.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (u64, Result<EventRecord<'a>, Malformed>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let position = self.base + self.at as u64;
        let bytes = self.bytes.get(self.at..).unwrap_or_default();
        let record = self.head.decode(bytes, &mut self.texts);
        match &record {
            Ok(record) => self.at += record.length,
            // Where the next one would begin is not known.
            Err(_) => self.left = 0,
        }
        Some((position, record))
    }
}

impl FrameWriter {
    /// Begins a frame of events.
    pub(crate) fn events(head: &EventsHead<'_>, capacity: usize) -> Self {
        let mut frame = Self::new(FrameKind::Events, capacity + head.begin);
        let origin = &head.origin;
        frame.bytes.extend_from_slice(&origin.project.0.to_le_bytes());
        frame.bytes.extend_from_slice(&origin.key.0.to_le_bytes());
        frame.bytes.extend_from_slice(&origin.received.as_micros().to_le_bytes());
        frame.bytes.extend_from_slice(&origin.now.as_micros().to_le_bytes());
        frame.bytes.push(head.library.len() as u8);
        frame.bytes.extend_from_slice(head.library.as_bytes());
        frame
    }
}
