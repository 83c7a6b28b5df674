use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::TlsAcceptor;

use super::certificate::Certificate;
use super::files::{Files, Stamp};
use crate::config::Settings;
use crate::failure::{Failure, Result};
use crate::serve::socket::Secure;

/// What a listener speaks once a handshake is made.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) enum Protocol {
    Http1,
    Http2,
}

/// TLS with a certificate out of two files.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Tls {
    files: Files,
    /// The files as they were last tried.
    tried: Arc<Mutex<Stamp>>,
    provider: Arc<CryptoProvider>,
    certificate: Arc<Certificate>,
    config: ServerConfig,
}

impl Tls {
    /// TLS as it is set, or none.
    pub(in crate::serve) fn load(settings: &Settings) -> Result<Option<Self>> {
        let (Some(certificate), Some(key)) = (&settings.tls_cert, &settings.tls_key) else {
            return Ok(None);
        };
        Self::from_files(Files { certificate: certificate.clone(), key: key.clone() }).map(Some)
    }

    pub(super) fn from_files(files: Files) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let tried = Arc::new(Mutex::new(files.stamp()));
        let certificate = Arc::new(Certificate::new(files.read(&provider)?));
        let resolver = Arc::clone(&certificate);
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(Failure::failed)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        Ok(Self { files, tried, provider, certificate, config })
    }

    /// How the connections of a listener are secured.
    pub(in crate::serve) fn secure(&self, protocol: Protocol, timeout: Duration) -> Secure {
        let mut config = self.config.clone();
        config.alpn_protocols = vec![match protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
        }];
        Secure { acceptor: TlsAcceptor::from(Arc::new(config)), timeout }
    }

    /// Takes the certificate that is in the files now, if they changed. One that can not be
    /// used is said so once, and the one before it stays.
    pub(in crate::serve) fn refresh(&self) {
        let mut tried = self.tried.lock();
        let stamp = self.files.stamp();
        if *tried == stamp {
            return;
        }
        *tried = stamp;
        match self.files.read(&self.provider) {
            Ok(next) => {
                self.certificate.replace(next);
                tracing::info!(file = %self.files.certificate.display(), "took a new certificate");
            }
            Err(failure) => {
                tracing::warn!(%failure, "the certificate changed and can not be used; the one before stays");
            }
        }
    }
}
