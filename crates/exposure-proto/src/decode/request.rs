use exposure_core::PropertyChange;

use super::account::ClientAccountRef;
use super::body::Writes;
use super::buffers::DecodeBuffers;
use super::error::{DecodeError, DecodeErrorKind, Fault};
use super::event::EventRef;
use super::limits::DecodeLimits;
use super::reader::{MAX_DEPTH, Reader, delimited, integer};

/// An ingest request, read in place. Its fields are those of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestRequestRef<'a> {
    /// The events, in order.
    pub events: Vec<EventRef<'a>>,
    /// The writes of all events, one event's after the other's.
    pub(super) writes: Vec<PropertyChange<'a>>,
    /// The sending library.
    pub library: Option<&'a str>,
    /// Asks for the rules of an import.
    pub import_options: Option<ImportOptionsRef>,
    /// The request's name in logs.
    pub request_id: Option<&'a str>,
    /// What became of everything that the sending client tracked. Behind a pointer, so that
    /// the many requests without one are no larger for it.
    pub client_account: Option<Box<ClientAccountRef<'a>>>,
}

/// Asks for the rules of an import. Its fields are those of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptionsRef {
    /// Overrides the shortest id, in characters.
    pub min_id_length: Option<i32>,
    /// When the events were first received, in microseconds since the Unix epoch.
    pub received_us: Option<i64>,
    /// The number of a `Dialect`.
    pub dialect: i32,
}

impl<'a> IngestRequestRef<'a> {
    /// Reads a request.
    ///
    /// A server that reads many keeps the buffers between them: [`DecodeBuffers::decode`].
    ///
    /// # Errors
    /// Fails where the generated code would, and where a limit is passed.
    pub fn decode(bytes: &'a [u8], limits: DecodeLimits) -> Result<Self, DecodeError> {
        DecodeBuffers::default().decode(bytes, limits)
    }

    /// The writes to properties that an event of this request makes, in order.
    pub fn writes(&self, event: &EventRef<'a>) -> &[PropertyChange<'a>] {
        self.writes.get(event.writes()).unwrap_or_default()
    }

    pub(super) fn merge_root(
        &mut self,
        bytes: &'a [u8],
        limits: DecodeLimits,
    ) -> Result<(), DecodeError> {
        self.merge(bytes, MAX_DEPTH, limits).map_err(|fault| fault.within(bytes))
    }

    pub(super) fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        limits: DecodeLimits,
    ) -> Result<(), Fault> {
        const EVENTS: u64 = delimited(1);
        const LIBRARY: u64 = delimited(2);
        const IMPORT_OPTIONS: u64 = delimited(3);
        const REQUEST_ID: u64 = delimited(4);
        const CLIENT_ACCOUNT: u64 = delimited(5);
        let mut writes = Writes { list: &mut self.writes, limits };
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                EVENTS => {
                    let event = reader.bytes()?;
                    if limits.max_events <= self.events.len() {
                        let kind = DecodeErrorKind::TooManyEvents(limits.max_events);
                        return Err(Fault::new(kind, event));
                    }
                    // In its place: it is too large to be moved there.
                    self.events.push(EventRef::default());
                    if let Some(read) = self.events.last_mut() {
                        read.merge(event, depth - 1, &mut writes)?;
                    }
                }
                LIBRARY => self.library = Some(reader.text()?),
                IMPORT_OPTIONS => {
                    let message = reader.bytes()?;
                    self.import_options.get_or_insert_default().merge(message, depth - 1)?;
                }
                REQUEST_ID => self.request_id = Some(reader.text()?),
                CLIENT_ACCOUNT => {
                    let message = reader.bytes()?;
                    self.client_account.get_or_insert_default().merge(message, depth - 1)?;
                }
                key => reader.skip_unknown(key, 5, depth)?,
            }
        }
        Ok(())
    }
}

impl ImportOptionsRef {
    fn merge(&mut self, message: &[u8], depth: u32) -> Result<(), Fault> {
        const MIN_ID_LENGTH: u64 = integer(1);
        const RECEIVED_US: u64 = integer(2);
        const DIALECT: u64 = integer(3);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                MIN_ID_LENGTH => self.min_id_length = Some(reader.varint()? as i32),
                RECEIVED_US => self.received_us = Some(reader.varint()? as i64),
                DIALECT => self.dialect = reader.varint()? as i32,
                key => reader.skip_unknown(key, 3, depth)?,
            }
        }
        Ok(())
    }
}
