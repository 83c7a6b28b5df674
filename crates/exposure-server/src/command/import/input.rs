use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use indicatif::ProgressBar;

/// The content of a file, or of standard input for `-`: decompressed, and read as a stream.
///
/// Whether it is gzip is seen by its first bytes, and not by its name.
pub(super) type Input = BufReader<Box<dyn Read + Send>>;

const BUFFER_BYTES: usize = 256 * 1024;

/// Whether a path stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file at a place in its content. `bar` follows the bytes that are read of the file.
pub(super) fn open(path: &Path, at: u64, bar: &ProgressBar) -> io::Result<Input> {
    if is_stdin(path) {
        return skipped(
            decoded(BufReader::with_capacity(
                BUFFER_BYTES,
                Counted { inner: io::stdin(), bar: bar.clone() },
            ))?,
            at,
        );
    }
    let mut file = File::open(path)?;
    let mut magic = [0; 2];
    let is_plain = file.read(&mut magic)? < 2 || !is_gzip(magic);
    // The content of a plain file is at hand everywhere; one that shrank has nothing there.
    let start = if is_plain { at } else { 0 };
    file.seek(SeekFrom::Start(start))?;
    bar.inc(start.min(file.metadata()?.len()));
    let counted = Counted { inner: file, bar: bar.clone() };
    if is_plain && at > 0 {
        return Ok(BufReader::with_capacity(BUFFER_BYTES, Box::new(counted)));
    }
    skipped(decoded(BufReader::with_capacity(BUFFER_BYTES, counted))?, at)
}

fn decoded(mut reader: BufReader<impl Read + Send + 'static>) -> io::Result<Input> {
    let is_gzip = match *reader.fill_buf()? {
        [b'P', b'K', 3, 4, ..] => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it is a ZIP archive; unpack it, and give the files in it",
            ));
        }
        [one, two, ..] => is_gzip([one, two]),
        _ => false,
    };
    let content: Box<dyn Read + Send> =
        if is_gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) };
    Ok(BufReader::with_capacity(BUFFER_BYTES, content))
}

fn skipped(mut input: Input, n_bytes: u64) -> io::Result<Input> {
    io::copy(&mut input.by_ref().take(n_bytes), &mut io::sink())?;
    Ok(input)
}

const fn is_gzip(magic: [u8; 2]) -> bool {
    matches!(magic, [0x1f, 0x8b])
}

/// Tells a bar what is read.
struct Counted<R> {
    inner: R,
    bar: ProgressBar,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.inner.read(to)?;
        self.bar.inc(n_bytes as u64);
        Ok(n_bytes)
    }
}
