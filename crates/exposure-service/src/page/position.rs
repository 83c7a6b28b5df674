use exposure_store::FeedCursor;

use crate::{Result, ServiceError};

/// A place in the change feed, opaque: every answer has one, and a watch resumes from one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position(Vec<u8>);

/// What a position means.
///
/// One entry of the store's feed may be several changes, so a position between two of them
/// names the entry before and the last change that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    pub(crate) cursor: FeedCursor,
    /// Profile and flag of the last change of the entry after the cursor that was sent.
    pub(crate) sent: Option<(String, String)>,
}

const VERSION: u8 = 1;

impl Position {
    /// The position with these bytes, as an earlier answer gave them.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn at(cursor: &FeedCursor) -> Self {
        Resume { cursor: cursor.clone(), sent: None }.to_position()
    }

    pub(crate) fn resume(&self) -> Result<Resume> {
        Resume::parse(&self.0).ok_or_else(|| {
            ServiceError::invalid(
                "cursor",
                "`cursor` is not one that a watch or an answer gave out; pass it on unchanged",
            )
        })
    }
}

impl Resume {
    pub(crate) fn to_position(&self) -> Position {
        let mut bytes = vec![VERSION];
        bytes.extend((self.cursor.0.len() as u32).to_le_bytes());
        bytes.extend(&self.cursor.0);
        if let Some((profile, flag)) = &self.sent {
            bytes.extend(profile.as_bytes());
            // No text has a NUL.
            bytes.push(0);
            bytes.extend(flag.as_bytes());
        }
        Position(bytes)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let (n_bytes, rest) = rest.split_first_chunk::<4>()?;
        let (cursor, sent) = rest.split_at_checked(u32::from_le_bytes(*n_bytes) as usize)?;
        let cursor = FeedCursor(cursor.to_vec());
        if sent.is_empty() {
            return Some(Self { cursor, sent: None });
        }
        let (profile, flag) = std::str::from_utf8(sent).ok()?.split_once('\0')?;
        Some(Self { cursor, sent: Some((profile.to_owned(), flag.to_owned())) })
    }
}
