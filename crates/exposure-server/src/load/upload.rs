use super::digits;
use super::http::authority;
use super::template::{Batch, Event};
use crate::failure::{Failure, Result};

/// An upload of an Amplitude SDK as a whole HTTP request; its events all have the same length, so
/// that each is found at its place.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    bytes: Vec<u8>,
    /// Where the first event begins.
    first: usize,
    n_events: usize,
    event: String,
    places: Places,
    /// What stands around the body and the events.
    frame: Frame,
}

/// Where in an event its parts are.
#[derive(Clone, Copy, Debug)]
struct Places {
    user: usize,
    device: usize,
    time: usize,
    insert_id: usize,
    flag: usize,
    variant: usize,
    event_id: usize,
}

#[derive(Clone, Debug)]
struct Frame {
    authority: String,
    /// A JSON string.
    key: String,
}

impl Upload {
    /// An upload to a server of events of this library.
    pub(super) fn new(n_events: usize, address: &str, key: &str, library: &str) -> Result<Self> {
        let key = serde_json::to_string(key).map_err(Failure::failed)?;
        let library = serde_json::to_string(library).map_err(Failure::failed)?;
        let event = event(&library);
        let places = Places::of(&event)
            .ok_or_else(|| Failure::failed("an event of an upload has no place for its parts"))?;
        let frame = Frame { authority: authority(address).to_owned(), key };
        let mut upload = Self { bytes: Vec::new(), first: 0, n_events: 0, event, places, frame };
        upload.resize(n_events);
        Ok(upload)
    }

    /// The whole request.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// An upload of the first of these events.
    pub(super) fn first_events(&self, n_events: usize) -> Self {
        let mut fewer = self.clone();
        fewer.resize(n_events);
        let length = n_events * (self.event.len() + 1) - 1;
        let of_all = self.bytes.get(self.first..).unwrap_or_default();
        let to = fewer.bytes.get_mut(fewer.first..).unwrap_or_default();
        for (to, from) in to.iter_mut().zip(of_all).take(length) {
            *to = *from;
        }
        fewer
    }

    fn resize(&mut self, n_events: usize) {
        let Frame { authority, key } = &self.frame;
        let before = format!("{{\"api_key\":{key},\"events\":[");
        let events = vec![self.event.as_str(); n_events].join(",");
        let after = r#"],"options":{},"client_upload_time":"2026-11-22T11:08:56.796Z"}"#;
        let length = before.len() + events.len() + after.len();
        let head = format!(
            "POST /2/httpapi HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\naccept: */*\r\ncontent-length: {length}\r\n\r\n"
        );
        self.first = head.len() + before.len();
        self.n_events = n_events;
        self.bytes = [head, before, events, after.to_owned()].concat().into_bytes();
    }
}

impl Batch for Upload {
    fn n_events(&self) -> usize {
        self.n_events
    }

    fn fill(&mut self, mut next: impl FnMut() -> Event) {
        let events = self.bytes.get_mut(self.first..).unwrap_or_default();
        // A comma behind each.
        for place in events.chunks_mut(self.event.len() + 1).take(self.n_events) {
            self.places.write(place, &next());
        }
    }
}

impl Places {
    fn of(event: &str) -> Option<Self> {
        let behind = |mark: &str| event.find(mark).map(|at| at + mark.len());
        Some(Self {
            user: behind("\"user-")?,
            device: behind("\"device-")?,
            time: behind("\"time\":")?,
            insert_id: behind("\"insert_id\":\"")?,
            flag: behind("\"flag-")?,
            variant: behind("\"variant-")?,
            event_id: behind("\"event_id\":1")?,
        })
    }

    #[inline]
    fn write(self, place: &mut [u8], event: &Event) {
        let millis = (event.time_us / 1000) as u64;
        decimal(place, self.user, event.user);
        decimal(place, self.device, event.user);
        // Thirteen digits: ten, and the last of them again with three more.
        decimal(place, self.time, millis / 1000);
        decimal(place, self.time + 3, millis % 10_000_000_000);
        decimal(place, self.flag, event.flag);
        // Orders events of one millisecond.
        decimal(place, self.event_id, event.time_us as u64 % 1_000_000_000);
        if let Some(to) = place.get_mut(self.insert_id..).and_then(<[u8]>::first_chunk_mut) {
            digits::uuid(event.id.0, event.id.1, to);
        }
        if let Some(to) = place.get_mut(self.variant) {
            *to = b'0' + event.variant;
        }
    }
}

#[inline]
fn decimal(place: &mut [u8], at: usize, number: u64) {
    if let Some(to) = place.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        digits::decimal(number, to);
    }
}

/// An exposure as Amplitude's browser SDK sends it.
fn event(library: &str) -> String {
    [
        r#"{"user_id":"user-0000000000","device_id":"device-0000000000","#,
        r#""session_id":1795345735936,"time":1795345735990,"platform":"Web","language":"en-US","#,
        r#""ip":"$remote","insert_id":"00000000-0000-4000-8000-000000000000","#,
        r#""event_type":"$exposure","event_properties":{"flag_key":"flag-0000000000","#,
        r#""experiment_key":"exp-1","variant":"variant-0","metadata":{"deployed":true,"#,
        r#""evaluationMode":"local","flagVersion":7,"flagType":"experiment","#,
        r#""experimentKey":"exp-1","segmentName":"All Other Users"}},"#,
        r#""event_id":10000000000,"library":"#,
        library,
        r#","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "#,
        r#"Chrome/156.0.0.0 Safari/537.36"}"#,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use exposure_core::{Body, EventTime, Timestamp};
    use exposure_formats::{Arena, Protocol, Request};

    use super::*;

    const EVENT: Event = Event {
        user: 1_234_567_890,
        flag: 42,
        variant: 3,
        time_us: 1_795_345_731_891_123,
        id: (u64::MAX, 0x0123_4567_89ab_cdef),
    };

    fn check(upload: &Upload, n_events: usize) {
        let at = memchr::memmem::find(upload.bytes(), b"\r\n\r\n").unwrap();
        let (head, body) = (&upload.bytes()[..at], &upload.bytes()[at + 4..]);
        let head = std::str::from_utf8(head).unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let request = Request {
            method: "POST",
            path: "/2/httpapi",
            query: "",
            headers: &(),
            body,
            received: Timestamp::from_micros(EVENT.time_us),
        };
        let arena = Arena::new();
        let read = Protocol::of(&request).unwrap().read(&request, &arena).unwrap();
        assert_eq!((read.keys, read.events.len()), (vec!["a \"key\""], n_events));
        for event in read.events {
            let event = event.unwrap();
            assert_eq!(event.user_id, Some("user-1234567890"));
            assert_eq!(event.device_id, Some("device-1234567890"));
            assert_eq!(event.insert_id, Some("ffffffff-ffff-4fff-8123-456789abcdef"));
            let millis = EVENT.time_us / 1000 * 1000;
            assert_eq!(event.time, EventTime::At(Timestamp::from_micros(millis)));
            assert_eq!(event.sequence, 10_731_891_123);
            assert_eq!(event.library, "load/1");
            let Body::Exposure(exposure) = event.body else { panic!("{:?}", event.body) };
            assert_eq!(exposure.flag_key, Some("flag-0000000042"));
            assert_eq!(exposure.variant, Some("variant-3"));
        }
    }

    #[test]
    fn an_upload_is_what_the_format_reads() {
        for n_events in [1, 2, 100] {
            let mut upload =
                Upload::new(n_events, "http://127.0.0.1:7071", "a \"key\"", "load/1").unwrap();
            upload.fill(|| EVENT);
            check(&upload, n_events);
            check(&upload.first_events(n_events.div_ceil(2)), n_events.div_ceil(2));
        }
    }
}
