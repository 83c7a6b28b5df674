use std::fmt;
use std::time::Duration;

use http::HeaderMap;

use super::AmplitudeProvider;
use crate::http::{HttpClient, HttpProviderError};
use crate::provider::{BatchLimits, KeyWatch};

/// Puts an [`AmplitudeProvider`] together.
#[derive(Clone)]
pub struct AmplitudeProviderBuilder {
    api_key: String,
    url: String,
    name: String,
    library: String,
    min_id_length: Option<usize>,
    limits: BatchLimits,
    connect_timeout: Duration,
    /// PEM, in place of the roots of webpki.
    roots: Option<Vec<u8>>,
}

/// Amplitude's own bound: fewer than this.
const EVENTS_BOUND: usize = 2000;

impl AmplitudeProviderBuilder {
    pub(super) fn new(api_key: String) -> Self {
        Self {
            api_key,
            url: "https://api2.amplitude.com/2/httpapi".into(),
            name: "amplitude".into(),
            library: concat!("exposure-client-rust/", env!("CARGO_PKG_VERSION")).into(),
            min_id_length: None,
            limits: BatchLimits { max_events: 1000, max_bytes: 700_000, in_flight: 1 },
            connect_timeout: Duration::from_secs(5),
            roots: None,
        }
    }

    /// Where to send, path included. Default `https://api2.amplitude.com/2/httpapi`, which needs
    /// the feature `tls`; in the EU `https://api.eu.amplitude.com/2/httpapi`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// What it is called in the account. Default `amplitude`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The `library` of each event, such as `my-app/1.2`. Default: this crate and its version.
    #[must_use]
    pub fn library(mut self, library: impl Into<String>) -> Self {
        self.library = library.into();
        self
    }

    /// The length below which an id is no id, sent as `options.min_id_length`. Default: it is left
    /// out, and Amplitude refuses ids of fewer than 5 characters.
    #[must_use]
    pub fn min_id_length(mut self, characters: usize) -> Self {
        self.min_id_length = Some(characters);
        self
    }

    /// The most exposures of an upload. Default 1000; from 1 to 1999.
    #[must_use]
    pub fn max_events(mut self, events: usize) -> Self {
        self.limits.max_events = events.clamp(1, EVENTS_BOUND - 1);
        self
    }

    /// How many uploads may be under way at once. Default 1; at least 1.
    #[must_use]
    pub fn in_flight(mut self, uploads: usize) -> Self {
        self.limits.in_flight = uploads.max(1);
        self
    }

    /// How long to try to connect. Default 5 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
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
    pub fn build(self) -> Result<AmplitudeProvider, HttpProviderError> {
        if self.api_key.is_empty() {
            return Err(HttpProviderError::NoKey);
        }
        let (timeout, roots) = (self.connect_timeout, self.roots.as_deref());
        let client = HttpClient::new(&self.url, timeout, roots, HeaderMap::new())?;
        Ok(AmplitudeProvider {
            client,
            api_key: self.api_key,
            name: self.name,
            library: self.library,
            min_id_length: self.min_id_length,
            limits: self.limits,
            key_watch: KeyWatch::default(),
        })
    }
}

impl fmt::Debug for AmplitudeProviderBuilder {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmplitudeProviderBuilder")
            .field("url", &self.url)
            .field("name", &self.name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
