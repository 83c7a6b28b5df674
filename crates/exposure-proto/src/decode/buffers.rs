use exposure_core::PropertyChange;

use super::error::DecodeError;
use super::event::EventRef;
use super::limits::DecodeLimits;
use super::request::IngestRequestRef;
use super::stream::IngestStreamRequestRef;

/// The memory of a request that is done with, for the next one.
///
/// With it, decoding a batch that is not longer than an earlier one allocates nothing.
#[derive(Debug, Default)]
pub struct DecodeBuffers {
    events: Vec<EventRef<'static>>,
    writes: Vec<PropertyChange<'static>>,
}

impl DecodeBuffers {
    /// Reads a request into these buffers; [`IngestRequestRef::recycle`] gives them back.
    ///
    /// # Errors
    /// Fails where the generated code would, and where a limit is passed.
    pub fn decode(
        self,
        bytes: &[u8],
        limits: DecodeLimits,
    ) -> Result<IngestRequestRef<'_>, DecodeError> {
        let mut request = self.into_request();
        request.merge_root(bytes, limits)?;
        Ok(request)
    }

    /// Reads a message of a stream into these buffers.
    ///
    /// # Errors
    /// Fails where the generated code would, and where a limit is passed.
    pub fn decode_stream(
        self,
        bytes: &[u8],
        limits: DecodeLimits,
    ) -> Result<IngestStreamRequestRef<'_>, DecodeError> {
        let mut request =
            IngestStreamRequestRef { batch_id: 0, has_batch: false, batch: self.into_request() };
        request.merge_root(bytes, limits)?;
        Ok(request)
    }

    fn into_request<'a>(self) -> IngestRequestRef<'a> {
        IngestRequestRef {
            events: emptied(self.events),
            writes: emptied(self.writes),
            ..IngestRequestRef::default()
        }
    }
}

impl IngestRequestRef<'_> {
    /// Gives up the request and keeps its memory.
    pub fn recycle(self) -> DecodeBuffers {
        DecodeBuffers { events: emptied(self.events), writes: emptied(self.writes) }
    }
}

/// The same memory for values of another lifetime: the standard library collects a vector
/// into its own allocation where the layouts are equal.
fn emptied<T, U>(mut values: Vec<T>) -> Vec<U> {
    values.clear();
    values.into_iter().filter_map(|_| None).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_between_requests() {
        let bytes = [0x0a, 0x02, 0x3a, 0x00].repeat(100);
        let request = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
        let (address, capacity) = (request.events.as_ptr().addr(), request.events.capacity());
        let request = request.recycle().decode(&bytes, DecodeLimits::default()).unwrap();
        assert_eq!(request.events.len(), 100);
        assert_eq!(
            (request.events.as_ptr().addr(), request.events.capacity()),
            (address, capacity)
        );
    }
}
