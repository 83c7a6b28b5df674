use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::failure::{Failure, Result};

/// Where a certificate and its key are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// What tells a file from what it was before: when it was written, and how long it is.
pub(super) type Stamp = [Option<(SystemTime, u64)>; 2];

impl Files {
    /// What both files hold, if they fit each other.
    pub(super) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey> {
        let chain = self.chain()?;
        let key = self.private_key()?;
        CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => wrong(
                "tls_key",
                &self.key,
                &format!(
                    "is not the key of the certificate in {}; give the two that belong together",
                    self.certificate.display()
                ),
            ),
            rustls::Error::InvalidCertificate(cause) => {
                wrong("tls_cert", &self.certificate, &format!("has a damaged certificate: {cause}"))
            }
            error => {
                wrong("tls_key", &self.key, &format!("has a key that can not be used: {error}"))
            }
        })
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>> {
        let path = &self.certificate;
        let pem = read("tls_cert", path)?;
        let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| {
            wrong("tls_cert", path, &format!("is no PEM: {error}; give certificates as PEM"))
        })?;
        if chain.is_empty() {
            return Err(wrong(
                "tls_cert",
                path,
                "has no certificate as PEM; its first must be the server's",
            ));
        }
        Ok(chain)
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>> {
        let path = &self.key;
        let pem = read("tls_key", path)?;
        PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
            let what = match error {
                pem::Error::NoItemsFound => {
                    "has no private key as PEM; give one that is not encrypted".to_owned()
                }
                error => format!("is no PEM: {error}; give the private key as PEM"),
            };
            wrong("tls_key", path, &what)
        })
    }

    /// Looks at the files without reading them; `None` for one that can not be looked at.
    pub(super) fn stamp(&self) -> Stamp {
        let stamp = |path: &Path| -> io::Result<(SystemTime, u64)> {
            let metadata = fs::metadata(path)?;
            Ok((metadata.modified()?, metadata.len()))
        };
        [stamp(&self.certificate).ok(), stamp(&self.key).ok()]
    }
}

fn read(setting: &str, path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|cause| wrong(setting, path, &format!("can not be read: {cause}")))
}

fn wrong(setting: &str, path: &Path, what: &str) -> Failure {
    Failure::usage(format!("setting `{setting}`: {} {what}", path.display()))
}
