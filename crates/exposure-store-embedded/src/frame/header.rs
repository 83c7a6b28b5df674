use super::bytes::{Cursor, Malformed};

/// Bytes of the part that every frame begins with.
pub(crate) const FRAME_MIN: usize = 12;

/// What a frame holds. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// Events as older versions wrote them.
    EventsV1 = 1,
    Document = 2,
    Erasure = 3,
    Retirement = 4,
    Events = 5,
}

impl FrameKind {
    pub(super) const fn of(number: u8) -> Result<Self, Malformed> {
        Ok(match number {
            1 => Self::EventsV1,
            2 => Self::Document,
            3 => Self::Erasure,
            4 => Self::Retirement,
            5 => Self::Events,
            _ => return Err(Malformed("an unknown kind of frame")),
        })
    }

    /// Whether it holds events.
    pub(crate) const fn is_events(self) -> bool {
        matches!(self, Self::Events | Self::EventsV1)
    }
}

/// A frame, borrowed from the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameRef<'a> {
    pub kind: FrameKind,
    /// Event records, in a frame of events.
    pub n_events: usize,
    /// Rejects behind them.
    pub n_rejects: usize,
    /// All of the frame, its header too.
    pub bytes: &'a [u8],
}

impl<'a> FrameRef<'a> {
    /// Splits the first frame off a group's payload.
    pub(crate) fn split(payload: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut cursor = Cursor(payload);
        let length = cursor.u32()? as usize;
        let kind = FrameKind::of(cursor.u8()?)?;
        cursor.take(1)?;
        let n_rejects = usize::from(cursor.u16()?);
        let n_events = cursor.u32()? as usize;
        let (bytes, rest) =
            payload.split_at_checked(length).ok_or(Malformed("a frame is too short"))?;
        if length < FRAME_MIN {
            return Err(Malformed("a frame is too short"));
        }
        Ok((Self { kind, n_events, n_rejects, bytes }, rest))
    }

    /// What follows the common part.
    pub(crate) fn body(&self) -> &'a [u8] {
        self.bytes.get(FRAME_MIN..).unwrap_or_default()
    }
}

/// Builds a frame; `finish` puts in what is only known at the end.
#[derive(Debug)]
pub(crate) struct FrameWriter {
    pub bytes: Vec<u8>,
}

impl FrameWriter {
    /// Begins a frame.
    pub(crate) fn new(kind: FrameKind, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity + FRAME_MIN);
        bytes.extend_from_slice(&[0; FRAME_MIN]);
        bytes[4] = kind as u8;
        Self { bytes }
    }

    /// Ends the frame.
    pub(crate) fn finish(&mut self, n_events: usize, n_rejects: usize) {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
        self.bytes[6..8].copy_from_slice(&(n_rejects as u16).to_le_bytes());
        self.bytes[8..12].copy_from_slice(&(n_events as u32).to_le_bytes());
    }
}
