use std::io::{self, Write};

/// Bytes up to a bound: what decompresses to more is not written.
#[derive(Debug)]
pub(super) struct Bounded {
    bytes: Vec<u8>,
    max_bytes: usize,
    is_over: bool,
}

impl Bounded {
    pub(super) const fn new(max_bytes: usize) -> Self {
        Self { bytes: Vec::new(), max_bytes, is_over: false }
    }

    /// Makes room at once for what is likely to come, as far as it may.
    pub(super) fn reserve(&mut self, n_bytes: usize) {
        self.bytes.reserve(n_bytes.min(self.max_bytes));
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.max_bytes {
            self.is_over = true;
            return Err(io::Error::other("longer than may be"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
