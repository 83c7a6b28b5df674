/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Plain,
    Gzip,
    Zlib,
    Deflate,
    Zstd,
    Brotli,
}

/// Whether a body that begins so is not compressed, and is its own content.
pub fn is_plain(first: &[u8], content_encoding: &str) -> bool {
    Coding::of(first, content_encoding) == Coding::Plain
}

/// How many bytes tell a coding.
pub(super) const TELLING: usize = 4;

impl Coding {
    /// Tells by the first bytes, and only where they say nothing by the `content-encoding`:
    /// senders compress without saying so, and say so without compressing.
    pub(super) fn of(first: &[u8], content_encoding: &str) -> Self {
        let named = |name: &str| {
            content_encoding.split(',').any(|part| part.trim().eq_ignore_ascii_case(name))
        };
        match first {
            [0x1F, 0x8B, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            // A zlib header's two bytes are divisible by 31; neither JSON nor OTLP begins so.
            [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) => Self::Zlib,
            // JSON was not compressed, whatever the header says.
            [b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n' | b'"', ..] => Self::Plain,
            _ if named("br") => Self::Brotli,
            _ if named("deflate") => Self::Deflate,
            _ => Self::Plain,
        }
    }
}
