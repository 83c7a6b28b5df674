use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::SegmentProvider;
use crate::http::{HttpClient, HttpProviderError};
use crate::provider::{BatchLimits, KeyWatch};
use crate::{Clock, SystemClock};

/// Puts a [`SegmentProvider`] together.
#[derive(Clone)]
pub struct SegmentProviderBuilder {
    write_key: String,
    url: String,
    name: String,
    library: String,
    limits: BatchLimits,
    connect_timeout: Duration,
    /// PEM, in place of the roots of webpki.
    roots: Option<Vec<u8>>,
    clock: Option<Arc<dyn Clock>>,
}

/// Segment's own bound.
const MAX_EVENTS: usize = 2500;

impl SegmentProviderBuilder {
    pub(super) fn new(write_key: String) -> Self {
        Self {
            write_key,
            url: "https://api.segment.io/v1/batch".into(),
            name: "segment".into(),
            library: concat!("exposure-client-rust/", env!("CARGO_PKG_VERSION")).into(),
            limits: BatchLimits { max_events: 1000, max_bytes: 350_000, in_flight: 1 },
            connect_timeout: Duration::from_secs(5),
            roots: None,
            clock: Some(Arc::new(SystemClock)),
        }
    }

    /// Where to send, path included. Default `https://api.segment.io/v1/batch`, which needs the
    /// feature `tls`; in the EU `https://events.eu1.segmentapis.com/v1/batch`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// What it is called in the account. Default `segment`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The `context.library` of each event, such as `my-app/1.2`. Default: this crate and its
    /// version.
    #[must_use]
    pub fn library(mut self, library: impl Into<String>) -> Self {
        self.library = library.into();
        self
    }

    /// The most exposures of a batch. Default 1000; from 1 to 2500.
    #[must_use]
    pub fn max_events(mut self, events: usize) -> Self {
        self.limits.max_events = events.clamp(1, MAX_EVENTS);
        self
    }

    /// How many batches may be under way at once. Default 1; at least 1.
    #[must_use]
    pub fn in_flight(mut self, batches: usize) -> Self {
        self.limits.in_flight = batches.max(1);
        self
    }

    /// How long to try to connect. Default 5 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Where `sentAt` comes from. It must be the clock that the client has. Default: the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Leaves `sentAt` out, so that times count as they are.
    ///
    /// By it Segment corrects for a clock that is wrong, and takes the time on the way for a part
    /// of that: where one batch needs longer than the next, what was seen first can come out last.
    /// Where the machine's clock is right, do without. Default: it is sent, as SDKs do.
    #[must_use]
    pub fn without_sent_at(mut self) -> Self {
        self.clock = None;
        self
    }

    /// Trusts servers by the certificates in this PEM, at least one, in place of the roots of
    /// webpki: for servers with a certificate of one's own. Default: the roots of webpki.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Checks the settings. It connects when there is something to send.
    pub fn build(self) -> Result<SegmentProvider, HttpProviderError> {
        if self.write_key.is_empty() {
            return Err(HttpProviderError::NoKey);
        }
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:", self.write_key)));
        let mut headers = HeaderMap::new();
        // Base64 has no character that a header has not.
        if let Ok(mut basic) = HeaderValue::try_from(basic) {
            basic.set_sensitive(true);
            headers.insert(AUTHORIZATION, basic);
        }
        let client =
            HttpClient::new(&self.url, self.connect_timeout, self.roots.as_deref(), headers)?;
        Ok(SegmentProvider {
            client,
            name: self.name,
            library: self.library,
            limits: self.limits,
            key_watch: KeyWatch::default(),
            clock: self.clock,
        })
    }
}

impl fmt::Debug for SegmentProviderBuilder {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentProviderBuilder")
            .field("url", &self.url)
            .field("name", &self.name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
