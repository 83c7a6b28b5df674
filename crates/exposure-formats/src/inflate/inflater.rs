use std::fmt;
use std::io::{self, Write};

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::bounded::Bounded;
use super::coding::{Coding, TELLING};

/// Why a body could not be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It is longer than may be.
    #[error("the body has more than {max_bytes} bytes; send less at once")]
    TooLarge {
        /// How long it may be, decompressed.
        max_bytes: usize,
    },
    /// It is not what its first bytes or its `content-encoding` say.
    #[error("the body can not be decompressed as {coding}: {message}")]
    Broken {
        /// What it should be.
        coding: &'static str,
        /// What is wrong.
        message: String,
    },
}

/// Decompresses a body while it arrives, up to a bound: gzip, zlib, deflate, zstd, brotli, or
/// none of them.
///
/// The bound holds for what comes out, so that a bomb costs no more than a long body.
pub struct Inflater {
    max_bytes: usize,
    content_encoding: String,
    expected: usize,
    state: State,
}

enum State {
    /// Too few bytes to tell by.
    Begun(Vec<u8>),
    Plain(Bounded),
    Gzip(MultiGzDecoder<Bounded>),
    Zlib(ZlibDecoder<Bounded>),
    Deflate(DeflateDecoder<Bounded>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Bounded>>),
    Brotli(Box<brotli_decompressor::DecompressorWriter<Bounded>>),
}

/// Decompresses a whole body.
pub fn inflate(
    bytes: &[u8],
    content_encoding: &str,
    max_bytes: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut inflater = Inflater::new(content_encoding, max_bytes);
    inflater.push(bytes)?;
    inflater.finish()
}

impl Inflater {
    /// For a body with this `content-encoding`, empty where it has none, of at most
    /// `max_bytes` when decompressed.
    pub fn new(content_encoding: &str, max_bytes: usize) -> Self {
        Self {
            max_bytes,
            content_encoding: content_encoding.to_owned(),
            expected: 0,
            state: State::Begun(Vec::new()),
        }
    }

    /// Says how long the body is likely to be as it comes, so that one which is not compressed
    /// need not be moved while it grows. It is a guess, and no more is made of it than 1 MiB.
    #[must_use]
    pub fn expecting(mut self, n_bytes: usize) -> Self {
        self.expected = n_bytes.min(1024 * 1024);
        self
    }

    /// Takes the next part of the body.
    pub fn push(&mut self, part: &[u8]) -> Result<(), InflateError> {
        if let State::Begun(first) = &mut self.state {
            first.extend_from_slice(part);
            if first.len() < TELLING {
                return Ok(());
            }
            let first = std::mem::take(first);
            self.begin(&first)?;
            return self.write(&first);
        }
        self.write(part)
    }

    /// The body, once all of it was pushed.
    pub fn finish(mut self) -> Result<Vec<u8>, InflateError> {
        if let State::Begun(first) = &mut self.state {
            let first = std::mem::take(first);
            self.begin(&first)?;
            self.write(&first)?;
        }
        let closed = match &mut self.state {
            State::Begun(_) | State::Plain(_) => Ok(()),
            State::Gzip(decoder) => decoder.try_finish(),
            State::Zlib(decoder) => decoder.try_finish(),
            State::Deflate(decoder) => decoder.try_finish(),
            State::Zstd(decoder) => decoder.flush(),
            State::Brotli(decoder) => decoder.close(),
        };
        closed.map_err(|error| self.fault(&error))?;
        let coding = self.name();
        let bounded = match self.state {
            State::Begun(bytes) => return Ok(bytes),
            State::Plain(bounded) => Ok(bounded),
            State::Gzip(decoder) => decoder.finish(),
            State::Zlib(decoder) => decoder.finish(),
            State::Deflate(decoder) => decoder.finish(),
            State::Zstd(decoder) => Ok(decoder.into_inner()),
            State::Brotli(decoder) => {
                decoder.into_inner().map_err(|_| io::Error::other("it breaks off"))
            }
        };
        bounded
            .map(Bounded::into_bytes)
            .map_err(|error| InflateError::Broken { coding, message: error.to_string() })
    }

    fn begin(&mut self, first: &[u8]) -> Result<(), InflateError> {
        let mut bounded = Bounded::new(self.max_bytes);
        self.state = match Coding::of(first, &self.content_encoding) {
            Coding::Plain => {
                bounded.reserve(self.expected);
                State::Plain(bounded)
            }
            Coding::Gzip => State::Gzip(MultiGzDecoder::new(bounded)),
            Coding::Zlib => State::Zlib(ZlibDecoder::new(bounded)),
            Coding::Deflate => State::Deflate(DeflateDecoder::new(bounded)),
            Coding::Zstd => {
                let decoder = zstd::stream::write::Decoder::new(bounded).map_err(|error| {
                    InflateError::Broken { coding: "zstd", message: error.to_string() }
                })?;
                State::Zstd(Box::new(decoder))
            }
            Coding::Brotli => {
                let decoder = brotli_decompressor::DecompressorWriter::new(bounded, 4096);
                State::Brotli(Box::new(decoder))
            }
        };
        Ok(())
    }

    fn write(&mut self, part: &[u8]) -> Result<(), InflateError> {
        let written = match &mut self.state {
            State::Begun(first) => {
                first.extend_from_slice(part);
                return Ok(());
            }
            State::Plain(bounded) => bounded.write_all(part),
            State::Gzip(decoder) => decoder.write_all(part),
            State::Zlib(decoder) => decoder.write_all(part),
            State::Deflate(decoder) => decoder.write_all(part),
            State::Zstd(decoder) => decoder.write_all(part),
            State::Brotli(decoder) => decoder.write_all(part),
        };
        written.map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &io::Error) -> InflateError {
        if self.is_over() {
            return InflateError::TooLarge { max_bytes: self.max_bytes };
        }
        InflateError::Broken { coding: self.name(), message: error.to_string() }
    }

    fn is_over(&self) -> bool {
        match &self.state {
            State::Begun(_) => false,
            State::Plain(bounded) => bounded.is_over(),
            State::Gzip(decoder) => decoder.get_ref().is_over(),
            State::Zlib(decoder) => decoder.get_ref().is_over(),
            State::Deflate(decoder) => decoder.get_ref().is_over(),
            State::Zstd(decoder) => decoder.get_ref().is_over(),
            State::Brotli(decoder) => decoder.get_ref().is_over(),
        }
    }

    const fn name(&self) -> &'static str {
        match self.state {
            State::Begun(_) | State::Plain(_) => "plain",
            State::Gzip(_) => "gzip",
            State::Zlib(_) => "zlib",
            State::Deflate(_) => "deflate",
            State::Zstd(_) => "zstd",
            State::Brotli(_) => "br",
        }
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("coding", &self.name())
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
