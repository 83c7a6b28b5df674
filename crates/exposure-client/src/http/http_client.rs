use std::error::Error;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::{Answer, HttpProviderError};
use crate::provider::SendError;

/// Posts JSON to one address, over connections that it keeps.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: Client<Connector, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
}

#[cfg(feature = "tls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "tls"))]
type Connector = HttpConnector;

/// The most of an answer that is read: what is longer comes from somebody else.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// How long a connection is kept without use.
const IDLE: Duration = Duration::from_secs(30);

impl HttpClient {
    /// A client for this address, that sends these headers too; `roots` are PEM, in place of
    /// those of webpki.
    pub(crate) fn new(
        url: &str,
        connect_timeout: Duration,
        roots: Option<&[u8]>,
        headers: HeaderMap,
    ) -> Result<Self, HttpProviderError> {
        let uri = address(url)?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(connect_timeout));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(with_tls(connector, roots)?);
        Ok(Self { client, uri, headers })
    }

    /// Posts this and reads the answer, whatever its status. An error if there is no answer.
    pub(crate) async fn post(&self, json: Vec<u8>) -> Result<Answer, SendError> {
        let mut request = Request::new(Full::new(Bytes::from(json)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.extend(self.headers.clone());
        let answered = self.client.request(request).await;
        let response = answered
            .map_err(|error| SendError::unavailable(format!("no answer: {}", told(&error))))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| {
            SendError::unavailable(format!("the answer did not come whole: {}", told(&*error)))
        })?;
        Ok(Answer::new(head.status.as_u16(), &head.headers, body.to_bytes()))
    }
}

const AGENT: &str = concat!("exposure-client-rust/", env!("CARGO_PKG_VERSION"));

fn address(url: &str) -> Result<Uri, HttpProviderError> {
    let wrong = || HttpProviderError::Address(url.to_owned());
    let uri: Uri = url.parse().map_err(|_invalid| wrong())?;
    if uri.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    match uri.scheme_str() {
        Some("http") => Ok(uri),
        Some("https") if cfg!(feature = "tls") => Ok(uri),
        Some("https") => Err(HttpProviderError::NoTls(url.to_owned())),
        _ => Err(wrong()),
    }
}

#[cfg(feature = "tls")]
fn with_tls(
    mut connector: HttpConnector,
    roots: Option<&[u8]>,
) -> Result<Connector, HttpProviderError> {
    connector.enforce_http(false);
    // Named, for a program may have built in another one besides.
    let provider = rustls::crypto::ring::default_provider();
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let builder = match roots {
        Some(pem) => builder.with_tls_config(trusting(pem, provider)?),
        None => builder
            .with_provider_and_webpki_roots(provider)
            .map_err(|error| HttpProviderError::Tls(error.to_string()))?,
    };
    Ok(builder.https_or_http().enable_http1().wrap_connector(connector))
}

#[cfg(feature = "tls")]
fn trusting(
    pem: &[u8],
    provider: rustls::crypto::CryptoProvider,
) -> Result<rustls::ClientConfig, HttpProviderError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let wrong = |error: &dyn fmt::Display| HttpProviderError::Tls(error.to_string());
    let mut roots = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(pem) {
        roots.add(root.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"there is no root certificate; give at least one, as PEM"));
    }
    let builder = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "with TLS it can fail")]
fn with_tls(
    connector: HttpConnector,
    _roots: Option<&[u8]>,
) -> Result<Connector, HttpProviderError> {
    Ok(connector)
}

/// An error with its causes.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl fmt::Debug for HttpClient {
    /// Without headers: one of them may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("uri", &self.uri).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        for url in ["http://127.0.0.1:8080/2/httpapi", "http://localhost", "http://[::1]:1/x?y=z"] {
            assert!(address(url).is_ok(), "{url}");
        }
        for url in ["", "127.0.0.1:8080", "/2/httpapi", "ftp://x/", "http://", "http:///x", "a b"] {
            let wrong = HttpProviderError::Address(url.to_owned());
            assert_eq!(address(url), Err(wrong), "{url}");
        }
        assert_eq!(address("https://api2.amplitude.com").is_ok(), cfg!(feature = "tls"));
    }
}
