/// Where a value or a name lies in the bytes that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its first byte; of a name or a string the quote.
    pub start: usize,
    /// Behind its last byte.
    pub end: usize,
    /// How deep objects and arrays nest in it: 0 for what is neither.
    pub depth: usize,
    /// Whether it is a string with escapes.
    pub is_escaped: bool,
}

impl Span {
    /// Its bytes in what was read.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Its text in what was read, where that is text.
    #[inline]
    pub fn of_text(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// The text between its quotes, where it is a string.
    #[inline]
    pub fn inside(self, text: &str) -> &str {
        text.get(self.start + 1..self.end.saturating_sub(1)).unwrap_or_default()
    }
}
