use super::Span;
use super::blocks::Blocks;

/// Bytes that are no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no JSON")]
pub struct Malformed;

/// Reads JSON from front to back: each value is delimited, or gone into.
///
/// ```
/// use exposure_core::json::Reader;
///
/// let json = br#"{"flag": "checkout", "on": [true]}"#;
/// let mut reader = Reader::new(json);
/// let mut found = Vec::new();
/// reader.object(|reader, name| {
///     found.push((name.of(json), reader.value()?.of(json)));
///     Ok(())
/// })?;
/// reader.end()?;
/// assert_eq!(found[0], (&b"\"flag\""[..], &b"\"checkout\""[..]));
/// assert_eq!(found[1], (&b"\"on\""[..], &b"[true]"[..]));
/// # Ok::<(), exposure_core::json::Malformed>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'b> {
    bytes: &'b [u8],
    blocks: Blocks<'b>,
    at: usize,
}

/// What lies between the end of the bytes and a value: no byte of JSON outside of strings.
const END: u8 = 0;

impl<'b> Reader<'b> {
    /// Stands before the first byte.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, blocks: Blocks::new(bytes), at: 0 }
    }

    /// The first byte of the next value, which tells its type; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        self.skip_space();
        self.byte()
    }

    /// Where it stands.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Passes over the next value. However deep it nests, the stack does not grow.
    #[inline]
    pub fn value(&mut self) -> Result<Span, Malformed> {
        let first = self.peek();
        let start = self.at;
        let (mut depth, mut is_escaped) = (0, false);
        match first {
            b'"' => is_escaped = self.string()?,
            b'{' | b'[' => depth = self.container()?,
            _ => self.scalar(first)?,
        }
        Ok(Span { start, end: self.at, depth, is_escaped })
    }

    /// Goes into an object: `each` gets the name of every member, and must read its value.
    #[inline]
    pub fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Span) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        if self.peek() != b'{' {
            return Err(Malformed);
        }
        self.at += 1;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = self.name()?;
            each(self, name)?;
            match self.peek() {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Malformed),
            }
            self.skip_space();
        }
    }

    /// Goes into an array: `each` is called before every item, and must read it.
    #[inline]
    pub fn array(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        if self.peek() != b'[' {
            return Err(Malformed);
        }
        self.at += 1;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            each(self)?;
            match self.peek() {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Malformed),
            }
        }
    }

    /// Whether nothing follows but space.
    pub fn end(&mut self) -> Result<(), Malformed> {
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(Malformed) }
    }

    /// A member's name and the colon; stands before the value then.
    #[inline]
    fn name(&mut self) -> Result<Span, Malformed> {
        let start = self.at;
        if self.byte() != b'"' {
            return Err(Malformed);
        }
        let is_escaped = self.string()?;
        let name = Span { start, end: self.at, depth: 0, is_escaped };
        if self.peek() != b':' {
            return Err(Malformed);
        }
        self.at += 1;
        self.skip_space();
        Ok(name)
    }

    /// An object or array, to its end; returns how deep it nests.
    #[inline(never)]
    fn container(&mut self) -> Result<usize, Malformed> {
        let mut open = Open::default();
        loop {
            // Before a value.
            match self.byte() {
                b'"' => {
                    self.string()?;
                }
                b'{' => {
                    self.at += 1;
                    if self.peek() != b'}' {
                        open.push(true);
                        self.name()?;
                        continue;
                    }
                    open.touch();
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.peek() != b']' {
                        open.push(false);
                        continue;
                    }
                    open.touch();
                    self.at += 1;
                }
                first => self.scalar(first)?,
            }
            // Behind a value.
            loop {
                let Some(is_object) = open.innermost() else { return Ok(open.deepest) };
                match (self.peek(), is_object) {
                    (b',', _) => {
                        self.at += 1;
                        self.skip_space();
                        if is_object {
                            self.name()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        open.pop();
                    }
                    _ => return Err(Malformed),
                }
            }
        }
    }

    /// A string from its quote on; returns whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Malformed> {
        let at = self.blocks.stop(self.at + 1).ok_or(Malformed)?;
        if self.bytes.get(at) == Some(&b'"') {
            self.at = at + 1;
            return Ok(false);
        }
        self.escaped_string(at).map(|()| true)
    }

    #[cold]
    fn escaped_string(&mut self, mut at: usize) -> Result<(), Malformed> {
        loop {
            match self.bytes.get(at..).unwrap_or_default() {
                [b'"', ..] => {
                    self.at = at + 1;
                    return Ok(());
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => at += 2,
                [b'\\', b'u', a, b, c, d, ..]
                    if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) =>
                {
                    at += 6;
                }
                _ => return Err(Malformed),
            }
            at = self.blocks.stop(at).ok_or(Malformed)?;
        }
    }

    /// A number or a word, of which `first` is the first byte.
    #[inline]
    fn scalar(&mut self, first: u8) -> Result<(), Malformed> {
        match first {
            b'0'..=b'9' | b'-' => self.number(first),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => Err(Malformed),
        }
    }

    #[inline]
    fn word<const N: usize>(&mut self, word: &[u8; N]) -> Result<(), Malformed> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        if found != Some(word) {
            return Err(Malformed);
        }
        self.at += N;
        Ok(())
    }

    #[inline]
    fn number(&mut self, mut first: u8) -> Result<(), Malformed> {
        if first == b'-' {
            self.at += 1;
            first = self.byte();
        }
        match first {
            b'0' => {
                self.at += 1;
                if self.byte().is_ascii_digit() {
                    return Err(Malformed);
                }
            }
            b'1'..=b'9' => self.skip_digits(),
            _ => return Err(Malformed),
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), Malformed> {
        if !self.byte().is_ascii_digit() {
            return Err(Malformed);
        }
        self.skip_digits();
        Ok(())
    }

    #[inline]
    fn skip_digits(&mut self) {
        // Eight at once: times have 13, and a loop of unknown length is guessed wrong.
        while let Some(eight) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let others = not_digits(u64::from_le_bytes(*eight));
            if others != 0 {
                self.at += (others.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.byte(), b' ' | b'\n' | b'\t' | b'\r') {
            self.at += 1;
        }
    }

    #[inline]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(END)
    }
}

/// The highest bit of each byte that is no digit.
#[inline]
const fn not_digits(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // Digits become 0 to 9, and everything else more.
    let values = eight ^ (ONES * b'0' as u64);
    (((values & (ONES * 0x7F)) + ONES * (0x80 - 10)) | values) & (ONES * 0x80)
}

/// Which objects and arrays are open, one bit each.
#[derive(Default)]
struct Open {
    /// The innermost 64 at most; the innermost is the lowest bit.
    near: u64,
    depth: usize,
    deepest: usize,
    /// Sixty-four each, of those further out.
    far: Vec<u64>,
}

impl Open {
    #[inline]
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.far.push(self.near);
        }
        self.near = self.near << 1 | u64::from(is_object);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// One that is empty.
    #[inline]
    fn touch(&mut self) {
        self.deepest = self.deepest.max(self.depth + 1);
    }

    #[inline]
    fn pop(&mut self) {
        self.near >>= 1;
        self.depth -= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.near = self.far.pop().unwrap_or_default();
        }
    }

    /// Whether the innermost is an object; `None` if none is open.
    #[inline]
    const fn innermost(&self) -> Option<bool> {
        if self.depth == 0 { None } else { Some(self.near & 1 == 1) }
    }
}
