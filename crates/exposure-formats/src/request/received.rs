use std::fmt;

use exposure_core::Timestamp;

/// The headers of a request.
pub trait Headers: Sync {
    /// The first value of a header, by its name in lower case; `None` also where it is no text.
    fn get(&self, name: &str) -> Option<&str>;
}

/// No headers at all.
impl Headers for () {
    fn get(&self, _: &str) -> Option<&str> {
        None
    }
}

/// A request of a sender: what came, and when.
#[derive(Clone, Copy)]
pub struct Request<'b> {
    /// Its method, in upper case.
    pub method: &'b str,
    /// Its path, without the query.
    pub path: &'b str,
    /// Its query, still encoded and without the `?`; empty where it has none.
    pub query: &'b str,
    /// Its headers.
    pub headers: &'b dyn Headers,
    /// Its body, [inflated](crate::inflate).
    pub body: &'b [u8],
    /// When it was received.
    pub received: Timestamp,
}

impl<'b> Request<'b> {
    /// A path together with its query, as it stands in a request line, taken apart.
    pub fn split_target(target: &'b str) -> (&'b str, &'b str) {
        target.split_once('?').unwrap_or((target, ""))
    }

    /// A header that is there and not empty.
    pub(crate) fn header(&self, name: &str) -> Option<&'b str> {
        self.headers.get(name).map(str::trim).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither body nor headers: they hold ids and keys.
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("bytes", &self.body.len())
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}
