//! The base64 form of lz-string, as the oldest browser SDKs compress: LZ78 over UTF-16 units,
//! with codes that grow by a bit when all of a width are used.

/// Decompresses to at most `max_bytes` of UTF-16; `None` for what is none, or is longer.
pub(super) fn decompress(text: &str, max_bytes: usize) -> Option<Vec<u16>> {
    let mut bits = Bits { text: text.trim_end_matches('=').bytes(), held: 0, n_held: 0 };
    let mut output = Output { units: Vec::new(), max_units: max_bytes / 2 };
    // A phrase is a range of what came out already; its code is its index behind the three that
    // are no phrases.
    let mut phrases: Vec<Phrase> = Vec::new();
    let mut last: Option<Phrase> = None;
    let mut width = Width { bits: 2, left: 1 };
    loop {
        let code = bits.take(width.bits)?;
        let phrase = match code {
            END => return Some(output.units),
            LITERAL_8 | LITERAL_16 => {
                let unit = bits.take(if code == LITERAL_8 { 8 } else { 16 })?;
                let from = output.units.len();
                output.push(u16::try_from(unit).ok()?)?;
                let phrase = Phrase { from, to: from + 1 };
                phrases.push(phrase);
                width.used();
                phrase
            }
            code => {
                let index = usize::try_from(code).ok()?.checked_sub(N_SPECIAL)?;
                let known = match phrases.get(index) {
                    Some(&phrase) => phrase,
                    // Only now being made: the last one with its own first unit behind it.
                    None if index == phrases.len() => last?.longer(),
                    None => return None,
                };
                output.repeat(known)?
            }
        };
        // What came out last and the unit behind it are the next phrase.
        if let Some(last) = last {
            phrases.push(last.longer());
            width.used();
        }
        last = Some(phrase);
    }
}

const LITERAL_8: u32 = 0;
const LITERAL_16: u32 = 1;
const END: u32 = 2;
const N_SPECIAL: usize = 3;

#[derive(Clone, Copy)]
struct Phrase {
    from: usize,
    to: usize,
}

impl Phrase {
    const fn longer(self) -> Self {
        Self { from: self.from, to: self.to + 1 }
    }
}

/// How wide codes are, and for how many phrases more.
struct Width {
    bits: u32,
    left: u32,
}

impl Width {
    fn used(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.left = 1 << self.bits;
            self.bits += 1;
        }
    }
}

struct Output {
    units: Vec<u16>,
    max_units: usize,
}

impl Output {
    fn push(&mut self, unit: u16) -> Option<()> {
        (self.units.len() < self.max_units).then(|| self.units.push(unit))
    }

    /// Appends a phrase, which may reach into what it appends.
    fn repeat(&mut self, phrase: Phrase) -> Option<Phrase> {
        let from = self.units.len();
        for at in phrase.from..phrase.to {
            let unit = *self.units.get(at)?;
            self.push(unit)?;
        }
        Some(Phrase { from, to: self.units.len() })
    }
}

/// The bits of base64 text, the highest of a character first; of a number the lowest first.
struct Bits<'t> {
    text: std::str::Bytes<'t>,
    held: u8,
    n_held: u32,
}

impl Bits<'_> {
    fn take(&mut self, n: u32) -> Option<u32> {
        let mut taken = 0;
        for at in 0..n {
            if self.n_held == 0 {
                self.held = sextet(self.text.next()?)?;
                self.n_held = 6;
            }
            self.n_held -= 1;
            taken |= u32::from((self.held >> self.n_held) & 1).checked_shl(at)?;
        }
        Some(taken)
    }
}

const fn sextet(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(compressed: &str) -> Option<String> {
        decompress(compressed, 1 << 20).map(|units| String::from_utf16_lossy(&units))
    }

    const VECTORS: &[(&str, &str)] = &[
        ("Q===", ""),
        ("IZA=", "a"),
        ("IY18ZXTxA===", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        (
            "N4IgpgbmB2AuIC4QBIBmYCGsCuAnMA+qgDYYDmBAxhscWACYgC+QA===",
            r#"{"event":"$feature_flag_called"}"#,
        ),
        (
            "N4IgpgbmB2AuIC4QBIAOBDA5pAlmA7iADQioBOA9qmGbHgM6KgAmO9d0AxrAPo7OIQAH4C0gU9NANOYjAvBuAAPeIhW7HF179GCANrDxUuQtGSZ8gLoBfM0A",
            r#"{"event":"$pageview","properties":{"distinct_id":"ü-日本-😀","distinct_ids":["ü-日本-😀","ü-日本-😀"]}}"#,
        ),
    ];

    /// As the library `lz-string` 1.5.0 writes them.
    #[test]
    fn what_the_library_compressed_is_read() {
        for (compressed, expected) in VECTORS {
            assert_eq!(text(compressed).as_deref(), Some(*expected));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for compressed in ["", "A", "!!!!", "////", "IY18ZX"] {
            assert_eq!(text(compressed), None, "{compressed}");
        }
        let (long, _) = VECTORS[2];
        assert_eq!(decompress(long, 8), None);
    }
}
