//! Whom a record is of and what became of it, without reading all of it.

use super::bytes::{Cursor, Malformed};
use super::event::Status;
use super::event_decode::{Seldom, TOO_SHORT, span, status_of};
use super::event_v1;
use super::events::Records;
use super::layout::{AT_PARTS, BOTH, COMPACT, DEVICE, FIXED, INSERT_TEXT, INSERT_UUID, USER};

/// A record that was passed over. Its texts are as they are stored: whoever reads the record checks them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sketch<'a> {
    pub user: Option<&'a [u8]>,
    pub device: Option<&'a [u8]>,
    pub status: Status,
    pub has_insert_id: bool,
    /// Where in the frame the record begins.
    at: usize,
    length: usize,
}

impl<'a> Sketch<'a> {
    fn of(bytes: &'a [u8], at: usize) -> Result<Self, Malformed> {
        let (length, _) = span(bytes)?;
        let record = bytes.get(..length).ok_or(TOO_SHORT)?;
        let (fixed, rest) = record.split_first_chunk::<FIXED>().ok_or(TOO_SHORT)?;
        let parts = u16::from_le_bytes([fixed[AT_PARTS], fixed[AT_PARTS + 1]]);
        if parts & COMPACT == 0 {
            return Err(Malformed("an event is not of its frame's kind"));
        }
        let mut cursor = Cursor(rest);
        if parts & BOTH == BOTH {
            cursor.take(8)?;
        }
        let seldom = Seldom::read(&mut cursor, fixed, parts)?;
        if parts & INSERT_UUID != 0 {
            cursor.take(16)?;
        }
        let (user, device) = (cursor.take(seldom.lengths[0])?, cursor.take(seldom.lengths[1])?);
        Ok(Self {
            user: (parts & USER != 0).then_some(user),
            device: (parts & DEVICE != 0).then_some(device),
            status: status_of(fixed)?,
            has_insert_id: parts & (INSERT_UUID | INSERT_TEXT) != 0,
            at,
            length,
        })
    }

    fn of_v1(bytes: &'a [u8], at: usize) -> Result<Self, Malformed> {
        let record = event_v1::decode(bytes)?;
        Ok(Self {
            user: record.event.ids.user().map(|user| user.as_str().as_bytes()),
            device: record.event.ids.device().map(|device| device.as_str().as_bytes()),
            status: record.status,
            has_insert_id: record.event.insert_id.is_some(),
            at,
            length: record.length,
        })
    }
}

impl<'a> Records<'a> {
    /// Passes over the next record.
    pub(crate) fn pass(&mut self) -> Option<(u64, Result<Sketch<'a>, Malformed>)> {
        self.left = self.left.checked_sub(1)?;
        let position = self.base + self.at as u64;
        let bytes = self.bytes.get(self.at..).unwrap_or_default();
        let sketch = if self.head.is_compact {
            Sketch::of(bytes, self.at)
        } else {
            Sketch::of_v1(bytes, self.at)
        };
        match &sketch {
            Ok(sketch) => self.at += sketch.length,
            // Where the next one would begin is not known.
            Err(_) => self.left = 0,
        }
        Some((position, sketch))
    }

    /// Reads a record that was passed over.
    pub(crate) fn read(
        &mut self,
        sketch: &Sketch<'a>,
    ) -> Result<super::EventRecord<'a>, Malformed> {
        let bytes = self.bytes.get(sketch.at..).unwrap_or_default();
        self.head.decode(bytes, &mut self.texts)
    }
}
