use crate::failure::{Failure, Result};

/// A frame that has come whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::load) struct Frame<'a> {
    pub(in crate::load) kind: Kind,
    pub(in crate::load) flags: u8,
    /// 0 is the connection itself.
    pub(in crate::load) stream: u32,
    pub(in crate::load) payload: &'a [u8],
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::load) enum Kind {
    Data = 0,
    Headers = 1,
    Reset = 3,
    Settings = 4,
    Push = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
    /// One that may be passed over, as priorities.
    Other = 0xff,
}

/// Flags of frames.
pub(in crate::load) mod flag {
    /// Of settings and pings.
    pub(in crate::load) const ACK: u8 = 0x1;
    pub(in crate::load) const END_STREAM: u8 = 0x1;
    pub(in crate::load) const END_HEADERS: u8 = 0x4;
    pub(super) const PADDED: u8 = 0x8;
    pub(super) const PRIORITY: u8 = 0x20;
}

const HEAD_BYTES: usize = 9;

impl<'a> Frame<'a> {
    /// The first frame of some bytes and what follows it, once it is whole.
    #[inline]
    pub(in crate::load) fn split(
        bytes: &'a [u8],
        max_bytes: usize,
    ) -> Result<Option<(Self, &'a [u8])>> {
        let Some((&[l0, l1, l2, kind, flags, s0, s1, s2, s3], rest)) = bytes.split_first_chunk()
        else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([0, l0, l1, l2]) as usize;
        if max_bytes < length {
            return Err(Failure::failed(format!(
                "the server sent a frame of {length} bytes, of at most {max_bytes}: is it a gRPC server?"
            )));
        }
        let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
        let stream = u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff;
        Ok(Some((Self { kind: Kind::of(kind), flags, stream, payload }, rest)))
    }

    #[inline]
    pub(in crate::load) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload of data or headers, without padding and priority; `None` where it is too short
    /// for them.
    #[inline]
    pub(in crate::load) fn content(&self) -> Option<&'a [u8]> {
        let mut content = self.payload;
        if self.has(flag::PADDED) {
            let (&n_padding, rest) = content.split_first()?;
            content = rest.get(..rest.len().checked_sub(usize::from(n_padding))?)?;
        }
        if self.kind == Kind::Headers && self.has(flag::PRIORITY) {
            content = content.get(5..)?;
        }
        Some(content)
    }

    /// The number at a place of the payload.
    pub(in crate::load) fn number(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(*self.payload.get(at..)?.first_chunk()?))
    }
}

impl Kind {
    #[inline]
    fn of(number: u8) -> Self {
        match number {
            0 => Self::Data,
            1 => Self::Headers,
            3 => Self::Reset,
            4 => Self::Settings,
            5 => Self::Push,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            _ => Self::Other,
        }
    }
}

/// Begins a frame; its payload of `length` bytes, below 2^24, has to follow.
#[inline]
pub(in crate::load) fn put_head(
    length: usize,
    kind: Kind,
    flags: u8,
    stream: u32,
    to: &mut Vec<u8>,
) {
    let [_, l0, l1, l2] = (length as u32).to_be_bytes();
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    let head: [u8; HEAD_BYTES] = [l0, l1, l2, kind as u8, flags, s0, s1, s2, s3];
    to.extend_from_slice(&head);
}

/// A whole frame whose payload is a number: an update of a window, or a reset.
pub(in crate::load) fn put_number(kind: Kind, stream: u32, number: u32, to: &mut Vec<u8>) {
    put_head(4, kind, 0, stream, to);
    to.extend_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_split_wherever_the_bytes_end() {
        let frames = [
            (Kind::Settings, 0, 0, &[][..]),
            (Kind::Data, flag::END_STREAM, 0x7fff_ffff, b"some data"),
            (Kind::Ping, flag::ACK, 0, &[7; 8]),
            (Kind::Other, 0xff, 3, &[1; 300]),
        ];
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (kind, flags, stream, payload) in frames {
            put_head(payload.len(), kind, flags, stream, &mut bytes);
            bytes.extend_from_slice(payload);
            ends.push(bytes.len());
        }
        for end in 0..=bytes.len() {
            let mut rest = &bytes[..end];
            let mut read = Vec::new();
            while let Some((frame, after)) = Frame::split(rest, 300).unwrap() {
                read.push((frame.kind, frame.flags, frame.stream, frame.payload));
                rest = after;
            }
            let n_whole = ends.iter().filter(|&&at| at <= end).count();
            assert_eq!(read, frames[..n_whole]);
        }
        assert!(Frame::split(&bytes[ends[2]..], 299).is_err());
    }

    #[test]
    fn padding_and_priority_are_left_out() {
        let content = |kind, flags, payload| Frame { kind, flags, stream: 1, payload }.content();
        let padded = flag::PADDED;
        assert_eq!(content(Kind::Data, 0, b"\x02ab"), Some(&b"\x02ab"[..]));
        assert_eq!(content(Kind::Data, padded, b"\x02abcc"), Some(&b"ab"[..]));
        assert_eq!(content(Kind::Data, padded, b"\x03ab"), None);
        assert_eq!(content(Kind::Data, padded, b""), None);
        let both = padded | flag::PRIORITY;
        assert_eq!(content(Kind::Headers, both, b"\x0112345ab."), Some(&b"ab"[..]));
        assert_eq!(content(Kind::Headers, flag::PRIORITY, b"1234"), None);
    }
}
