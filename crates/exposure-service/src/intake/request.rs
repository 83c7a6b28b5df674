use exposure_core::{Dialect, Rejection, Timestamp};

/// What holds for all events of one request.
#[derive(Clone, Copy, Debug, Default)]
pub struct IngestRequest<'a> {
    /// The sender's customs.
    pub dialect: Dialect,
    /// The sender library, for events that name none themselves. Empty is unknown.
    pub library: &'a str,
    /// The size of the request as it came, in bytes; counts against the bytes in flight.
    pub bytes: usize,
    /// The shortest id in characters, instead of the dialect's. A project may ask for more.
    pub min_id_chars: Option<usize>,
    /// When the events were first received, of an import. Needs a key with scope `admin`.
    pub received: Option<Timestamp>,
    /// Whether its sender asked for the rules of an import. Needs a key with scope `admin`.
    pub is_import: bool,
}

/// An event that a transport or a format refused before it was one of ours.
#[derive(Clone, Debug)]
pub struct Refused<'a> {
    /// Why.
    pub rejection: Rejection,
    /// The user it named, or empty.
    pub user_id: &'a str,
    /// The device it named, or empty.
    pub device_id: &'a str,
    /// The event as it came; the first KiB is kept in the rejected-event log.
    pub event: &'a [u8],
    /// The sender library, or empty for that of the request.
    pub library: &'a str,
}

impl From<Rejection> for Refused<'_> {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, user_id: "", device_id: "", event: &[], library: "" }
    }
}
