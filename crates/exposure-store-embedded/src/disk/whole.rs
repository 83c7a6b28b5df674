//! Whole reads and writes over a port that may do part of them.

use std::io;

use super::File;

/// Runs `operation` again as long as a signal interrupts it.
///
/// # Errors
/// Whatever `operation` fails with, except `Interrupted`.
pub fn retry_interrupted<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Writes all of `buf` at `offset`, continuing after short writes.
///
/// # Errors
/// The first failure other than `Interrupted`; a part may have been written then.
pub fn write_all_at(file: &dyn File, mut buf: &[u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        let n = retry_interrupted(|| file.write_at(buf, offset))?;
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::WriteZero, "the file took no byte"));
        }
        buf = buf.get(n..).unwrap_or_default();
        offset += n as u64;
    }
    Ok(())
}

/// Fills `buf` from `offset` as far as the file goes and says how far that was.
///
/// # Errors
/// The first failure other than `Interrupted`.
pub fn read_up_to(file: &dyn File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let n = retry_interrupted(|| file.read_at(rest, offset + filled as u64))?;
        if n == 0 {
            break;
        }
        filled += n;
    }
    Ok(filled)
}

/// Fills `buf` from `offset`.
///
/// # Errors
/// `UnexpectedEof` if the file ends before; else the first failure other than `Interrupted`.
pub fn read_exact_at(file: &dyn File, buf: &mut [u8], offset: u64) -> io::Result<()> {
    let n = read_up_to(file, buf, offset)?;
    if n < buf.len() {
        let what = format!("the file ends at {}, {} bytes early", offset + n as u64, buf.len() - n);
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
    }
    Ok(())
}

/// Whether a failure says that the disk or the quota is full.
pub fn is_out_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
