//! Ids as they are stored: canonical UUIDs as 16 bytes, everything else as text.

use crate::uuid::{parse_uuid, write_uuid};

/// An id of an event: of a user, a device, or the sender's own of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdRef<'a> {
    /// A UUID that was written in its canonical form: lower case, with hyphens.
    Uuid([u8; 16]),
    /// Any other text.
    Text(&'a str),
}

impl<'a> IdRef<'a> {
    /// The stored form of an id's text.
    pub fn parse(text: &'a str) -> Self {
        parse_uuid(text).map_or(Self::Text(text), Self::Uuid)
    }

    /// The id's text.
    pub fn to_text(self) -> Box<str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Uuid(bytes) => uuid_text(&bytes),
        }
    }

    /// 0 for a UUID, 1 for a text: the first byte of an id in a key.
    pub(super) const fn tag(self) -> u8 {
        match self {
            Self::Uuid(_) => 0,
            Self::Text(_) => 1,
        }
    }

    /// The stored bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Uuid(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

/// The text of a UUID.
fn uuid_text(bytes: &[u8; 16]) -> Box<str> {
    let mut text = [0; 36];
    write_uuid(bytes, &mut text);
    std::str::from_utf8(&text).unwrap_or("").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_uuids_become_bytes_and_back() {
        let text = "0123abcd-45ef-6789-abcd-0123456789ab";
        let id = IdRef::parse(text);
        assert!(matches!(id, IdRef::Uuid(_)));
        assert_eq!(&*id.to_text(), text);
    }

    #[test]
    fn other_texts_stay_texts() {
        for text in [
            "",
            "user-1",
            "0123ABCD-45ef-6789-abcd-0123456789ab",
            "0123abcd45ef-6789-abcd-0123456789abcd",
            "0123abcd-45ef-6789-abcd-0123456789ag",
            "{123abcd-45ef-6789-abcd-0123456789a}",
        ] {
            assert_eq!(IdRef::parse(text), IdRef::Text(text));
            assert_eq!(&*IdRef::parse(text).to_text(), text);
        }
    }
}
