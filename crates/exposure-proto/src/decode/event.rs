use std::ops::Range;

use super::body::{
    AssignmentRef, BodyRef, ExposureRef, IdentifyRef, Merge, OutcomeRef, UnreadRef, Writes,
};
use super::error::Fault;
use super::reader::{Reader, delimited, integer};

/// An event, read in place. Its fields are those of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// The user; empty is absent.
    pub user_id: Option<&'a str>,
    /// The device; empty is absent.
    pub device_id: Option<&'a str>,
    /// Makes a retry harmless; empty is absent.
    pub insert_id: Option<&'a str>,
    /// When it happened, in microseconds since the Unix epoch.
    pub time_us: Option<i64>,
    /// Orders events of one time.
    pub sequence: i64,
    /// What happened.
    pub body: BodyRef<'a>,
    /// Whether the sender's own form had properties that mean nothing here.
    pub has_ignored_properties: bool,
    /// The first of its writes among those of the request, and the one after its last.
    writes: (usize, usize),
}

impl<'a> EventRef<'a> {
    /// Where its writes are among those of the request.
    pub(super) const fn writes(&self) -> Range<usize> {
        self.writes.0..self.writes.1
    }

    /// Reads a message into an event that is empty.
    #[inline]
    pub(super) fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        writes: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault> {
        const USER_ID: u64 = delimited(1);
        const DEVICE_ID: u64 = delimited(2);
        const INSERT_ID: u64 = delimited(3);
        const TIME_US: u64 = integer(4);
        const SEQUENCE: u64 = integer(5);
        const EXPOSURE: u64 = delimited(6);
        const ASSIGNMENT: u64 = delimited(7);
        const OUTCOME: u64 = delimited(8);
        const IDENTIFY: u64 = delimited(9);
        const HAS_IGNORED_PROPERTIES: u64 = integer(10);
        const UNREAD: u64 = delimited(11);
        let start = writes.list.len();
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                USER_ID => self.user_id = Some(reader.text()?),
                DEVICE_ID => self.device_id = Some(reader.text()?),
                INSERT_ID => self.insert_id = Some(reader.text()?),
                TIME_US => self.time_us = Some(reader.varint()? as i64),
                SEQUENCE => self.sequence = reader.varint()? as i64,
                EXPOSURE => {
                    self.merge_body::<ExposureRef<'_>>(reader.bytes()?, start, depth, writes)?;
                }
                ASSIGNMENT => {
                    self.merge_body::<AssignmentRef<'_>>(reader.bytes()?, start, depth, writes)?;
                }
                OUTCOME => {
                    self.merge_body::<OutcomeRef<'_>>(reader.bytes()?, start, depth, writes)?;
                }
                IDENTIFY => {
                    self.merge_body::<IdentifyRef<'_>>(reader.bytes()?, start, depth, writes)?;
                }
                HAS_IGNORED_PROPERTIES => self.has_ignored_properties = reader.varint()? != 0,
                UNREAD => {
                    self.merge_body::<UnreadRef<'_>>(reader.bytes()?, start, depth, writes)?;
                }
                key => reader.skip_unknown(key, 11, depth)?,
            }
        }
        self.writes = (start, writes.list.len());
        Ok(())
    }

    /// Merges a body into one of its kind, or puts it in the place of another with its writes.
    #[inline]
    fn merge_body<B: Merge<'a>>(
        &mut self,
        message: &'a [u8],
        start: usize,
        depth: u32,
        writes: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault> {
        if B::within(&mut self.body).is_none() {
            writes.list.truncate(start);
            self.body = B::default().into();
        }
        match B::within(&mut self.body) {
            Some(body) => body.merge(message, depth - 1, writes),
            None => Ok(()),
        }
    }
}
