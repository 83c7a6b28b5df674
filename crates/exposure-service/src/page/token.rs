use exposure_store::ProjectId;
use sha2::{Digest, Sha256};

use crate::auth::{from_hex, to_hex};
use crate::{Page, Result, ServiceError};

/// What a page token belongs to: the same list, asked for in the same way.
pub(crate) struct Query(Sha256);

const CHECK: usize = 8;

impl Query {
    /// A list of a project, by its name.
    pub(crate) fn new(list: &str, project: ProjectId) -> Self {
        Self(Sha256::new()).with(Some(list)).with(Some(&project.to_string()))
    }

    /// A parameter of the list.
    pub(crate) fn with(mut self, parameter: Option<&str>) -> Self {
        match parameter {
            // The length keeps neighbors apart.
            Some(text) => {
                self.0.update([1]);
                self.0.update((text.len() as u64).to_le_bytes());
                self.0.update(text);
            }
            None => self.0.update([0]),
        }
        self
    }

    /// The token for a place in the list.
    pub(crate) fn token(&self, place: Writer) -> String {
        let mut bytes = self.check(&place.0).to_vec();
        bytes.extend(place.0);
        to_hex(&bytes)
    }

    /// The place of a page's token; `None` where the list begins.
    pub(crate) fn place(&self, page: &Page) -> Result<Option<Reader>> {
        if page.token.is_empty() {
            return Ok(None);
        }
        let bytes = from_hex(&page.token);
        let place = bytes.as_deref().and_then(|bytes| bytes.split_first_chunk::<CHECK>());
        match place {
            Some((check, place)) if *check == self.check(place) => {
                Ok(Some(Reader { bytes: place.to_vec(), at: 0 }))
            }
            _ => Err(invalid()),
        }
    }

    /// Ties the place to the list. It guards against mistakes, not against forgery: a forged
    /// token reads another place of a list that its maker may read anyway.
    fn check(&self, place: &[u8]) -> [u8; CHECK] {
        let digest: [u8; 32] = self.0.clone().chain_update(place).finalize().into();
        digest.first_chunk().copied().unwrap_or_default()
    }
}

fn invalid() -> ServiceError {
    ServiceError::invalid(
        "page_token",
        "`page_token` is not one that this list gave out; pass it on unchanged, with the same parameters",
    )
}

/// A place in a list, as bytes.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self = self.number(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }
}

/// Reads a place in the order in which it was written.
pub(crate) struct Reader {
    bytes: Vec<u8>,
    at: usize,
}

impl Reader {
    pub(crate) fn number(&mut self) -> Result<u64> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>());
        let number = u64::from_le_bytes(*bytes.ok_or_else(invalid)?);
        self.at += 8;
        Ok(number)
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>> {
        let n_bytes = usize::try_from(self.number()?).map_err(|_| invalid())?;
        let end = self.at.checked_add(n_bytes).ok_or_else(invalid)?;
        let bytes = self.bytes.get(self.at..end).ok_or_else(invalid)?.to_vec();
        self.at = end;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| invalid())
    }
}
