use exposure_core::{Dialect, ErrorCode, Rejection};

use super::ExportedEvent;
use crate::json::text;
use crate::{Arena, Refused, amplitude, segment};

/// The vendors whose exports are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Amplitude's Export API.
    Amplitude,
    /// Segment's archives: what its storage destinations write. RudderStack's are alike.
    Segment,
}

/// How much of a line that is no text is shown, in bytes.
const SHOWN_BYTES: usize = 1024;

impl Export {
    /// Reads one line, without the end of it. Every line is one event, or the reason why not.
    pub fn read<'b>(self, line: &'b [u8], arena: &'b Arena) -> ExportedEvent<'b> {
        match text(line, arena) {
            Ok(json) => match self {
                Self::Amplitude => amplitude::read_exported(json, arena),
                Self::Segment => segment::read_exported(json, arena),
            },
            Err(error) => unreadable(line, &error.to_string(), arena),
        }
    }

    /// A line of which only the beginning was read, because it is longer than `max_bytes`.
    pub fn too_long<'b>(
        self,
        beginning: &'b [u8],
        max_bytes: usize,
        arena: &'b Arena,
    ) -> ExportedEvent<'b> {
        let message = format!("has more than {max_bytes} bytes; an event may have at most as many");
        let mut exported = unreadable(beginning, "", arena);
        if let Err(refused) = &mut exported.event {
            refused.rejection = Rejection::new(ErrorCode::TooLong, "event", message);
        }
        exported
    }

    /// Its sender's customs.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Amplitude => Dialect::Amplitude,
            Self::Segment => Dialect::Foreign,
        }
    }

    /// The shortest id in characters. The other server took these events in under a bound of its
    /// own, which an export does not tell.
    pub const fn min_id_chars(self) -> usize {
        1
    }
}

#[cold]
fn unreadable<'b>(line: &'b [u8], message: &str, arena: &'b Arena) -> ExportedEvent<'b> {
    let shown = line.get(..SHOWN_BYTES).unwrap_or(line);
    let refused = Refused {
        rejection: Rejection::new(ErrorCode::Invalid, "event", message.to_owned()),
        user_id: "",
        device_id: "",
        library: "",
        event: arena.text(&String::from_utf8_lossy(shown)),
    };
    ExportedEvent { event: Err(refused), received: None }
}
