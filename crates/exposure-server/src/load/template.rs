use prost::encoding::encode_varint;

use super::digits;

/// One batch, encoded; its events all have the same length, so that each is found at its place.
#[derive(Clone, Debug)]
pub(super) struct Template {
    bytes: Vec<u8>,
    /// Where the message begins.
    message: usize,
    /// Where the first event begins.
    first: usize,
    n_events: usize,
}

/// A batch whose events are written over, in place.
pub(super) trait Batch {
    fn n_events(&self) -> usize;

    /// Writes the events in their places.
    fn fill(&mut self, next: impl FnMut() -> Event);
}

/// What an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) user: u64,
    pub(super) flag: u64,
    pub(super) variant: u8,
    pub(super) time_us: i64,
    /// The random bits of its insert id.
    pub(super) id: (u64, u64),
}

/// The first id of a batch in a stream: from here on an id takes four bytes.
pub(super) const FIRST_BATCH_ID: u64 = 1 << 21;

// An event: `user_id` 15 bytes, `insert_id` 36, `time_us`, and an exposure of a `flag_key` of 15
// and a `variant` of 8, each behind its tag and length.
const USER: usize = 2 + 2;
const INSERT_ID: usize = USER + 15 + 2;
const TIME: usize = INSERT_ID + 36 + 1;
const FLAG: usize = TIME + 8 + 2 + 2;
const VARIANT: usize = FLAG + 15 + 2;
const LENGTH: usize = VARIANT + 8;

/// What stands before a message of gRPC.
const PREFIX: usize = 5;

impl Template {
    /// The body of a call.
    pub(super) fn unary(n_events: usize, library: &str) -> Self {
        let mut bytes = vec![0; PREFIX];
        request(n_events, library, &mut bytes);
        let length = (bytes.len() - PREFIX) as u32;
        if let Some(place) = bytes.get_mut(1..PREFIX) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        Self { bytes, message: PREFIX, first: PREFIX, n_events }
    }

    /// A message of a stream.
    pub(super) fn streamed(n_events: usize, library: &str) -> Self {
        let mut batch = Vec::with_capacity(n_events * LENGTH + library.len() + 2);
        request(n_events, library, &mut batch);
        let mut bytes = vec![0x08];
        encode_varint(FIRST_BATCH_ID, &mut bytes);
        bytes.push(0x12);
        encode_varint(batch.len() as u64, &mut bytes);
        let first = bytes.len();
        bytes.append(&mut batch);
        Self { bytes, message: 0, first, n_events }
    }

    /// A batch of the first of these events.
    pub(super) fn first_events(&self, n_events: usize, library: &str) -> Self {
        let mut fewer = match self.message {
            0 => Self::streamed(n_events, library),
            _ => Self::unary(n_events, library),
        };
        let of_all = self.bytes.get(self.first..).unwrap_or_default();
        let to = fewer.bytes.get_mut(fewer.first..).unwrap_or_default();
        for (to, from) in to.iter_mut().zip(of_all).take(n_events * LENGTH) {
            *to = *from;
        }
        fewer
    }

    /// The message.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.message..).unwrap_or_default()
    }

    /// The message of a call behind what gRPC says of it: that it is not compressed, and its length.
    pub(super) fn framed(&self) -> &[u8] {
        &self.bytes
    }

    /// Numbers a message of a stream, from [`FIRST_BATCH_ID`] to 2^28.
    pub(super) fn set_batch_id(&mut self, id: u64) {
        if let Some(place) = self.bytes.get_mut(1..5) {
            for (index, byte) in place.iter_mut().enumerate() {
                *byte = (id >> (7 * index)) as u8 & 0x7f | if index < 3 { 0x80 } else { 0 };
            }
        }
    }
}

impl Batch for Template {
    fn n_events(&self) -> usize {
        self.n_events
    }

    #[inline]
    fn fill(&mut self, mut next: impl FnMut() -> Event) {
        let events = self.bytes.get_mut(self.first..).unwrap_or_default();
        for place in events.as_chunks_mut::<LENGTH>().0.iter_mut().take(self.n_events) {
            write(place, &next());
        }
    }
}

#[inline]
fn write(place: &mut [u8; LENGTH], event: &Event) {
    if let Some(to) = place[USER + 5..].first_chunk_mut() {
        digits::decimal(event.user, to);
    }
    if let Some(to) = place[INSERT_ID..].first_chunk_mut() {
        digits::uuid(event.id.0, event.id.1, to);
    }
    if let Some(to) = place[TIME..].first_chunk_mut() {
        digits::varint8(event.time_us as u64, to);
    }
    if let Some(to) = place[FLAG + 5..].first_chunk_mut() {
        digits::decimal(event.flag, to);
    }
    place[VARIANT + 7] = b'0' + event.variant;
}

fn request(n_events: usize, library: &str, bytes: &mut Vec<u8>) {
    const EVENT: usize = LENGTH - 2;
    const EXPOSURE: usize = LENGTH - FLAG + 2;
    let mut event = vec![0x0a, EVENT as u8];
    event.extend_from_slice(b"\x0a\x0fuser-0000000000");
    event.extend_from_slice(b"\x1a\x2400000000-0000-4000-8000-000000000000");
    event.extend_from_slice(&[0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
    event.extend_from_slice(&[0x32, EXPOSURE as u8]);
    event.extend_from_slice(b"\x0a\x0fflag-0000000000");
    event.extend_from_slice(b"\x12\x08variant0");
    for _ in 0..n_events {
        bytes.extend_from_slice(&event);
    }
    bytes.push(0x12);
    encode_varint(library.len() as u64, bytes);
    bytes.extend_from_slice(library.as_bytes());
}

#[cfg(test)]
mod tests {
    use exposure_proto::v1;
    use prost::Message as _;

    use super::*;

    const EVENT: Event = Event {
        user: 1_234_567_890,
        flag: 42,
        variant: 3,
        time_us: 1_795_345_731_891_123,
        id: (u64::MAX, 0x0123_4567_89ab_cdef),
    };

    fn check(request: &v1::IngestRequest, n_events: usize) {
        assert_eq!(request.library.as_deref(), Some("load/1"));
        assert_eq!(request.events.len(), n_events);
        for event in &request.events {
            let exposure = v1::Exposure {
                flag_key: Some("flag-0000000042".into()),
                variant: Some("variant3".into()),
                ..Default::default()
            };
            let expected = v1::Event {
                user_id: Some("user-1234567890".into()),
                insert_id: Some("ffffffff-ffff-4fff-8123-456789abcdef".into()),
                time_us: Some(EVENT.time_us),
                body: Some(v1::event::Body::Exposure(exposure)),
                ..Default::default()
            };
            assert_eq!(*event, expected);
        }
    }

    #[test]
    fn a_template_is_what_the_generated_code_reads() {
        for n_events in [1, 2, 1000] {
            let mut unary = Template::unary(n_events, "load/1");
            unary.fill(|| EVENT);
            check(&v1::IngestRequest::decode(unary.bytes()).unwrap(), n_events);
            let length = (unary.bytes().len() as u32).to_be_bytes();
            assert_eq!(unary.framed(), [&[0], &length[..], unary.bytes()].concat());
            let mut streamed = Template::streamed(n_events, "load/1");
            streamed.fill(|| EVENT);
            let fewer = streamed.first_events(n_events.div_ceil(2), "load/1");
            let message = v1::IngestStreamRequest::decode(fewer.bytes()).unwrap();
            check(&message.batch.unwrap(), n_events.div_ceil(2));
            for id in [FIRST_BATCH_ID, FIRST_BATCH_ID + 12_345, (1 << 28) - 1] {
                streamed.set_batch_id(id);
                let message = v1::IngestStreamRequest::decode(streamed.bytes()).unwrap();
                assert_eq!(message.batch_id, id as i64);
                check(&message.batch.unwrap(), n_events);
            }
        }
    }
}
