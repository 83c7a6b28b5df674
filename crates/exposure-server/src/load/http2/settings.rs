use super::frame::{Frame, Kind, flag, put_head, put_number};
use crate::failure::{Failure, Result};

/// What a client says first of all.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frames of the server are no longer: an answer to a large batch is one frame.
pub(in crate::load) const MAX_FRAME_BYTES: usize = 1 << 20;
/// What the server may send unasked, in a call and in all of them: as much as there can be.
pub(in crate::load) const WINDOW_BYTES: u32 = (1 << 31) - 1;

/// What the server said of itself, or has not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::load) struct Settings {
    /// Bytes of its table of headers.
    pub(in crate::load) table_bytes: u32,
    /// Calls at one moment.
    pub(in crate::load) max_calls: u32,
    /// What may be sent in a call at first.
    pub(in crate::load) window_bytes: u32,
    /// Of a frame.
    pub(in crate::load) max_frame_bytes: u32,
}

/// The window of a connection at first, on both sides.
const FIRST_WINDOW_BYTES: u32 = 65_535;

const TABLE_SIZE: u16 = 1;
const ENABLE_PUSH: u16 = 2;
const MAX_CALLS: u16 = 3;
const WINDOW: u16 = 4;
const MAX_FRAME: u16 = 5;

impl Default for Settings {
    fn default() -> Self {
        Self {
            table_bytes: 4096,
            max_calls: u32::MAX,
            window_bytes: FIRST_WINDOW_BYTES,
            max_frame_bytes: 16_384,
        }
    }
}

impl Settings {
    /// What we say: the preface, that headers of answers have no state, that nothing is pushed, and
    /// that all windows are open.
    pub(in crate::load) fn announce(to: &mut Vec<u8>) {
        to.extend_from_slice(PREFACE);
        let ours = [
            (TABLE_SIZE, 0),
            (ENABLE_PUSH, 0),
            (WINDOW, WINDOW_BYTES),
            (MAX_FRAME, MAX_FRAME_BYTES as u32),
        ];
        put_head(ours.len() * 6, Kind::Settings, 0, 0, to);
        for (name, value) in ours {
            to.extend_from_slice(&name.to_be_bytes());
            to.extend_from_slice(&value.to_be_bytes());
        }
        put_number(Kind::WindowUpdate, 0, WINDOW_BYTES - FIRST_WINDOW_BYTES, to);
    }

    /// Takes over what the server says, and acknowledges it.
    pub(in crate::load) fn take(&mut self, frame: &Frame<'_>, to: &mut Vec<u8>) -> Result<()> {
        let (settings, rest) = frame.payload.as_chunks::<6>();
        if !rest.is_empty() {
            return Err(Failure::failed("the server sent settings that are cut off"));
        }
        for &[n0, n1, v0, v1, v2, v3] in settings {
            let value = u32::from_be_bytes([v0, v1, v2, v3]);
            match u16::from_be_bytes([n0, n1]) {
                TABLE_SIZE => self.table_bytes = value,
                MAX_CALLS => self.max_calls = value,
                WINDOW if value <= WINDOW_BYTES => self.window_bytes = value,
                MAX_FRAME if (16_384..1 << 24).contains(&value) => self.max_frame_bytes = value,
                name @ (WINDOW | MAX_FRAME) => {
                    return Err(Failure::failed(format!(
                        "the server set {value} for the setting {name} of HTTP/2, which can not be"
                    )));
                }
                _ => {}
            }
        }
        put_head(0, Kind::Settings, flag::ACK, 0, to);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_over_and_acknowledged() {
        let payload = b"\x00\x03\x00\x00\x00\x64\x00\x05\x00\x00\x80\x00\x00\x99\x00\x00\x00\x01";
        let frame = Frame { kind: Kind::Settings, flags: 0, stream: 0, payload };
        let (mut settings, mut to) = (Settings::default(), Vec::new());
        settings.take(&frame, &mut to).unwrap();
        let expected = Settings { max_calls: 100, max_frame_bytes: 32_768, ..Settings::default() };
        assert_eq!((settings, &to[..]), (expected, &b"\0\0\0\x04\x01\0\0\0\0"[..]));
        for wrong in [&payload[..7], b"\x00\x04\x80\x00\x00\x00", b"\x00\x05\x00\x00\x00\x01"] {
            let frame = Frame { payload: wrong, ..frame };
            assert!(settings.take(&frame, &mut to).is_err(), "{wrong:?}");
        }
    }
}
