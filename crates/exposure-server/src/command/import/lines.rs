use std::io::{self, BufRead};

/// The lines of a file, with where they stand in its content.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    /// Where the next line begins.
    offset: u64,
    max_bytes: usize,
    line: Vec<u8>,
}

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'l> {
    /// Its bytes, without its end; only the first ones of one that is too long.
    pub(super) bytes: &'l [u8],
    /// Whether it is longer than a line may be.
    pub(super) is_too_long: bool,
    /// Where it begins.
    pub(super) start: u64,
    /// Where the next one begins.
    pub(super) end: u64,
}

impl<R: BufRead> Lines<R> {
    /// Reads on from a line that begins at `offset`.
    pub(super) fn new(reader: R, offset: u64, max_bytes: usize) -> Self {
        Self { reader, offset, max_bytes, line: Vec::new() }
    }

    /// The next line that is not blank. The last one needs no end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let start = self.offset;
            let is_too_long = self.read()?;
            if self.offset == start {
                return Ok(None);
            }
            if start == 0 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            if !self.line.trim_ascii().is_empty() {
                let end = self.offset;
                return Ok(Some(Line { bytes: self.line.trim_ascii(), is_too_long, start, end }));
            }
        }
    }

    /// Reads a line; whether it was too long, and its rest was skipped.
    fn read(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut is_too_long = false;
        loop {
            let part = self.reader.fill_buf()?;
            let (n_bytes, is_end) = match memchr::memchr(b'\n', part) {
                Some(at) => (at + 1, true),
                None => (part.len(), part.is_empty()),
            };
            let room = self.max_bytes - self.line.len().min(self.max_bytes);
            let part = part.get(..n_bytes).unwrap_or_default();
            let text = part.strip_suffix(b"\n").unwrap_or(part);
            is_too_long |= text.len() > room;
            self.line.extend_from_slice(text.get(..room).unwrap_or(text));
            self.reader.consume(n_bytes);
            self.offset += n_bytes as u64;
            if is_end {
                return Ok(is_too_long);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &[u8], n_buffer: usize, max_bytes: usize) -> Vec<(String, bool, u64, u64)> {
        let mut lines = Lines::new(BufReader::with_capacity(n_buffer, text), 0, max_bytes);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let text = String::from_utf8(line.bytes.to_vec()).unwrap();
            found.push((text, line.is_too_long, line.start, line.end));
        }
        found
    }

    #[test]
    fn lines_are_found_with_their_places() {
        for n_buffer in 1..20 {
            let found = lines(b"\xef\xbb\xbf{1}\r\n\n  \n{22}\nlong and longer\n{3}", n_buffer, 8);
            let expected = [
                ("{1}", false, 0, 8),
                ("{22}", false, 12, 17),
                ("long and", true, 17, 33),
                ("{3}", false, 33, 36),
            ];
            let expected =
                expected.map(|(text, long, start, end)| (text.to_owned(), long, start, end));
            assert_eq!(found, expected, "{n_buffer}");
        }
        assert_eq!(lines(b"", 8, 5), []);
        assert_eq!(lines(b"\n\n", 8, 5), []);
    }
}
