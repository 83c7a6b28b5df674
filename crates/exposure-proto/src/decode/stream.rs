use super::buffers::DecodeBuffers;
use super::error::{DecodeError, Fault};
use super::limits::DecodeLimits;
use super::reader::{MAX_DEPTH, Reader, delimited, integer};
use super::request::IngestRequestRef;

/// A message of an ingest stream, read in place. Its fields are those of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestStreamRequestRef<'a> {
    /// Names the batch in its acknowledgement.
    pub batch_id: i64,
    /// Whether there was a batch; without one, `batch` is empty.
    pub has_batch: bool,
    /// The batch.
    pub batch: IngestRequestRef<'a>,
}

impl<'a> IngestStreamRequestRef<'a> {
    /// Reads a message of a stream.
    ///
    /// # Errors
    /// Fails where the generated code would, and where a limit is passed.
    pub fn decode(bytes: &'a [u8], limits: DecodeLimits) -> Result<Self, DecodeError> {
        DecodeBuffers::default().decode_stream(bytes, limits)
    }

    pub(super) fn merge_root(
        &mut self,
        bytes: &'a [u8],
        limits: DecodeLimits,
    ) -> Result<(), DecodeError> {
        self.merge(bytes, limits).map_err(|fault| fault.within(bytes))
    }

    fn merge(&mut self, message: &'a [u8], limits: DecodeLimits) -> Result<(), Fault> {
        const BATCH_ID: u64 = integer(1);
        const BATCH: u64 = delimited(2);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                BATCH_ID => self.batch_id = reader.varint()? as i64,
                BATCH => {
                    self.has_batch = true;
                    let batch = reader.bytes()?;
                    self.batch.merge(batch, MAX_DEPTH - 1, limits)?;
                }
                key => reader.skip_unknown(key, 2, MAX_DEPTH)?,
            }
        }
        Ok(())
    }
}
