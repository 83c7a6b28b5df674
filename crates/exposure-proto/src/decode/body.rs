//! What happened, read in place.

use exposure_core::PropertyChange;

use super::error::{DecodeErrorKind, Fault};
use super::limits::DecodeLimits;
use super::reader::{Reader, delimited, integer};

/// What an event says that happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyRef<'a> {
    /// Nothing, or something that this version does not know.
    #[default]
    Missing,
    /// A user saw a variant.
    Exposure(ExposureRef<'a>),
    /// A user was assigned variants.
    Assignment(AssignmentRef<'a>),
    /// A user did something that is measured.
    Outcome(OutcomeRef<'a>),
    /// Who a user is.
    Identify(IdentifyRef<'a>),
    /// What an importer could not read.
    Unread(UnreadRef<'a>),
}

/// An exposure, read in place. Its fields are those of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExposureRef<'a> {
    /// The flag; required.
    pub flag_key: Option<&'a str>,
    /// The variant; absent unsets.
    pub variant: Option<&'a str>,
    /// The run of the flag.
    pub experiment_key: Option<&'a str>,
    /// JSON of the sender.
    pub metadata: Option<&'a [u8]>,
    /// The number of an `ExposureKind`.
    pub kind: i32,
}

/// An assignment, read in place; its writes are the event's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssignmentRef<'a> {
    /// JSON of the sender.
    pub properties: Option<&'a [u8]>,
}

/// An outcome event, read in place; its writes are the event's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeRef<'a> {
    /// What happened; empty is absent.
    pub event_type: &'a str,
    /// JSON of the sender.
    pub properties: Option<&'a [u8]>,
    /// The number of an `OutcomeKind`.
    pub kind: i32,
}

/// An identify, read in place; its writes are the event's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentifyRef<'a> {
    /// The number of an `IdentifyKind`.
    pub kind: i32,
    /// JSON of the sender.
    pub properties: Option<&'a [u8]>,
}

/// An event that an importer could not read. Its fields are those of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnreadRef<'a> {
    /// The number of an `ErrorCode`.
    pub code: i32,
    /// The field at fault.
    pub field: &'a str,
    /// What is wrong.
    pub message: &'a str,
    /// The event as it came.
    pub event: Option<&'a [u8]>,
}

/// Where the writes of all events of a request are put, one after the other.
pub(super) struct Writes<'w, 'a> {
    pub(super) list: &'w mut Vec<PropertyChange<'a>>,
    pub(super) limits: DecodeLimits,
}

impl<'a> Writes<'_, 'a> {
    #[inline(never)]
    fn read(&mut self, message: &'a [u8], depth: u32) -> Result<(), Fault> {
        const FLAG_KEY: u64 = delimited(1);
        const VARIANT: u64 = delimited(2);
        if self.limits.max_writes <= self.list.len() {
            let kind = DecodeErrorKind::TooManyWrites(self.limits.max_writes);
            return Err(Fault::new(kind, message));
        }
        let mut reader = Reader::new(message);
        let mut write = PropertyChange { flag_key: "", variant: None };
        while !reader.is_empty() {
            match reader.varint()? {
                FLAG_KEY => write.flag_key = reader.text()?,
                VARIANT => write.variant = Some(reader.text()?),
                key => reader.skip_unknown(key, 2, depth - 1)?,
            }
        }
        self.list.push(write);
        Ok(())
    }
}

/// A body that fields can be merged into: a repeated body of one kind adds to the first.
pub(super) trait Merge<'a>: Default + Into<BodyRef<'a>> {
    /// The body that an event has, if it is of this kind.
    fn within<'b>(body: &'b mut BodyRef<'a>) -> Option<&'b mut Self>;

    fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        writes: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault>;
}

/// A body of the kind that the message says.
macro_rules! within {
    ($kind:ident) => {
        #[inline]
        fn within<'b>(body: &'b mut BodyRef<'a>) -> Option<&'b mut Self> {
            match body {
                BodyRef::$kind(body) => Some(body),
                _ => None,
            }
        }
    };
}

macro_rules! into_body {
    ($($message:ident of $kind:ident),+) => {$(
        impl<'a> From<$message<'a>> for BodyRef<'a> {
            #[inline]
            fn from(body: $message<'a>) -> Self {
                Self::$kind(body)
            }
        }
    )+};
}

into_body!(
    ExposureRef of Exposure,
    AssignmentRef of Assignment,
    OutcomeRef of Outcome,
    IdentifyRef of Identify,
    UnreadRef of Unread
);

impl<'a> Merge<'a> for ExposureRef<'a> {
    within!(Exposure);

    #[inline]
    fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        writes: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault> {
        const FLAG_KEY: u64 = delimited(1);
        const VARIANT: u64 = delimited(2);
        const EXPERIMENT_KEY: u64 = delimited(3);
        const METADATA: u64 = delimited(4);
        const KIND: u64 = integer(5);
        const WRITES: u64 = delimited(6);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                FLAG_KEY => self.flag_key = Some(reader.text()?),
                VARIANT => self.variant = Some(reader.text()?),
                EXPERIMENT_KEY => self.experiment_key = Some(reader.text()?),
                METADATA => self.metadata = Some(reader.bytes()?),
                KIND => self.kind = reader.varint()? as i32,
                WRITES => writes.read(reader.bytes()?, depth)?,
                key => reader.skip_unknown(key, 6, depth)?,
            }
        }
        Ok(())
    }
}

impl<'a> Merge<'a> for AssignmentRef<'a> {
    within!(Assignment);

    fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        writes: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault> {
        const WRITES: u64 = delimited(1);
        const PROPERTIES: u64 = delimited(2);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                WRITES => writes.read(reader.bytes()?, depth)?,
                PROPERTIES => self.properties = Some(reader.bytes()?),
                key => reader.skip_unknown(key, 2, depth)?,
            }
        }
        Ok(())
    }
}

impl<'a> Merge<'a> for OutcomeRef<'a> {
    within!(Outcome);

    fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        writes: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault> {
        const EVENT_TYPE: u64 = delimited(1);
        const PROPERTIES: u64 = delimited(2);
        const KIND: u64 = integer(3);
        const WRITES: u64 = delimited(4);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                EVENT_TYPE => self.event_type = reader.text()?,
                PROPERTIES => self.properties = Some(reader.bytes()?),
                KIND => self.kind = reader.varint()? as i32,
                WRITES => writes.read(reader.bytes()?, depth)?,
                key => reader.skip_unknown(key, 4, depth)?,
            }
        }
        Ok(())
    }
}

impl<'a> Merge<'a> for IdentifyRef<'a> {
    within!(Identify);

    fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        writes: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault> {
        const KIND: u64 = integer(1);
        const WRITES: u64 = delimited(2);
        const PROPERTIES: u64 = delimited(3);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                KIND => self.kind = reader.varint()? as i32,
                WRITES => writes.read(reader.bytes()?, depth)?,
                PROPERTIES => self.properties = Some(reader.bytes()?),
                key => reader.skip_unknown(key, 3, depth)?,
            }
        }
        Ok(())
    }
}

impl<'a> Merge<'a> for UnreadRef<'a> {
    within!(Unread);

    #[cold]
    fn merge(
        &mut self,
        message: &'a [u8],
        depth: u32,
        _: &mut Writes<'_, 'a>,
    ) -> Result<(), Fault> {
        const CODE: u64 = integer(1);
        const FIELD: u64 = delimited(2);
        const MESSAGE: u64 = delimited(3);
        const EVENT: u64 = delimited(4);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                CODE => self.code = reader.varint()? as i32,
                FIELD => self.field = reader.text()?,
                MESSAGE => self.message = reader.text()?,
                EVENT => self.event = Some(reader.bytes()?),
                key => reader.skip_unknown(key, 4, depth)?,
            }
        }
        Ok(())
    }
}
