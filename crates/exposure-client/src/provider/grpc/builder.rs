use std::time::Duration;

use exposure_core::Limits;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Endpoint;

use super::GrpcProvider;
use super::connection::Connection;
use crate::provider::BatchLimits;

/// Puts a [`GrpcProvider`] together.
#[derive(Clone, Debug)]
pub struct GrpcProviderBuilder {
    url: String,
    api_key: Option<String>,
    name: String,
    library: String,
    limits: BatchLimits,
    connect_timeout: Duration,
    /// PEM, in place of the roots of webpki.
    roots: Option<Vec<u8>>,
    is_streaming: bool,
}

/// Why a gRPC provider was not built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrpcProviderError {
    /// The address is none.
    #[error("`{0}` is no server; give its address as http://127.0.0.1:7070")]
    Address(String),
    /// The address asks for TLS, which was not built in.
    #[error("`{0}` asks for TLS; build with the feature `tls`, or give an address of http://")]
    NoTls(String),
    /// The key has characters that no key has.
    #[error("the API key has characters that no key has")]
    ApiKey,
    /// There is no root certificate where some were given, or one that does not read.
    #[error("the root certificates do not read; give at least one, as PEM")]
    RootCertificates,
    /// The library's name is too long, or empty.
    #[error("the library's name has {0} characters; it must have 1 to {most}", most = Limits::TEXT_CHARS)]
    Library(usize),
}

impl GrpcProviderBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            api_key: None,
            name: "grpc".into(),
            library: concat!("exposure-client-rust/", env!("CARGO_PKG_VERSION")).into(),
            limits: BatchLimits { max_events: 2000, max_bytes: 4 << 20, in_flight: 4 },
            connect_timeout: Duration::from_secs(5),
            roots: None,
            is_streaming: true,
        }
    }

    /// The key to send with; it needs the scope `ingest`. Default: none.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// What it is called in the account. Default `grpc`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The sender that the server counts exposures under, such as `my-app/1.2`: 1 to 1024
    /// characters. Default: this crate and its version.
    #[must_use]
    pub fn library(mut self, library: impl Into<String>) -> Self {
        self.library = library.into();
        self
    }

    /// The most exposures of a batch. Default 2000; at least 1.
    #[must_use]
    pub fn max_events(mut self, events: usize) -> Self {
        self.limits.max_events = events.max(1);
        self
    }

    /// How many batches may be sent before the first is answered, as far as the server's credit
    /// goes. Default 4; at least 1.
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

    /// Sends each batch as a call of its own, for networks that let no stream through. Default: a
    /// stream, and calls if the other side knows no streams.
    #[must_use]
    pub fn unary(mut self) -> Self {
        self.is_streaming = false;
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
    pub fn build(self) -> Result<GrpcProvider, GrpcProviderError> {
        let n_chars = self.library.chars().count();
        if n_chars == 0 || Limits::TEXT_CHARS < n_chars {
            return Err(GrpcProviderError::Library(n_chars));
        }
        let key = self.api_key.as_deref().map(bearer).transpose()?;
        let endpoint = endpoint(&self.url, self.roots.as_deref())?
            .connect_timeout(self.connect_timeout)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10));
        let connection = Connection::new(endpoint, key);
        Ok(GrpcProvider::new(connection, self.name, self.library, self.limits, self.is_streaming))
    }
}

fn bearer(key: &str) -> Result<MetadataValue<Ascii>, GrpcProviderError> {
    let mut value = MetadataValue::try_from(format!("Bearer {key}"))
        .map_err(|_invalid| GrpcProviderError::ApiKey)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "they are for TLS"))]
fn endpoint(url: &str, roots: Option<&[u8]>) -> Result<Endpoint, GrpcProviderError> {
    let wrong = || GrpcProviderError::Address(url.to_owned());
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_invalid| wrong())?;
    match endpoint.uri().scheme_str() {
        Some("http") => Ok(endpoint),
        #[cfg(feature = "tls")]
        Some("https") => {
            let tls = tonic::transport::ClientTlsConfig::new();
            let tls = match roots {
                Some(pem) => {
                    check_roots(pem)?;
                    tls.ca_certificate(tonic::transport::Certificate::from_pem(pem))
                }
                None => tls.with_webpki_roots(),
            };
            endpoint.tls_config(tls).map_err(|_invalid| wrong())
        }
        #[cfg(not(feature = "tls"))]
        Some("https") => Err(GrpcProviderError::NoTls(url.to_owned())),
        _ => Err(wrong()),
    }
}

/// A list without any would be taken, and trust nobody.
#[cfg(feature = "tls")]
fn check_roots(pem: &[u8]) -> Result<(), GrpcProviderError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let wrong = GrpcProviderError::RootCertificates;
    let mut n_roots = 0;
    for root in CertificateDer::pem_slice_iter(pem) {
        root.map_err(|_invalid| wrong.clone())?;
        n_roots += 1;
    }
    if n_roots == 0 { Err(wrong) } else { Ok(()) }
}
