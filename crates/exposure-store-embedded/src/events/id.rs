//! Ids as they are stored: canonical UUIDs as 16 bytes, everything else as text.

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
        parse_uuid(text.as_bytes()).map_or(Self::Text(text), Self::Uuid)
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

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if HYPHENS.iter().any(|&at| text.get(at) != Some(&b'-')) {
        return None;
    }
    let mut bytes = [0; 16];
    let mut bad = 0;
    let [p0, p1, p2, p3, p4] = [0..8, 9..13, 14..18, 19..23, 24..36];
    let mut to = bytes.iter_mut();
    for part in [p0, p1, p2, p3, p4] {
        let digits = text.get(part)?;
        for pair in digits.chunks_exact(2) {
            if let ([high, low], Some(to)) = (pair, to.next()) {
                let (high, low) = (hex(*high), hex(*low));
                bad |= high | low;
                *to = high << 4 | low & 15;
            }
        }
    }
    (bad < 16).then_some(bytes)
}

/// The value of a lower-case hexadecimal digit, or 255.
const fn hex(digit: u8) -> u8 {
    // One look-up: ids are parsed for every event.
    const TABLE: [u8; 256] = {
        let mut table = [255; 256];
        let mut i = 0;
        while i < 10 {
            table[b'0' as usize + i] = i as u8;
            i += 1;
        }
        let mut i = 0;
        while i < 6 {
            table[b'a' as usize + i] = 10 + i as u8;
            i += 1;
        }
        table
    };
    TABLE[digit as usize]
}

fn uuid_text(bytes: &[u8; 16]) -> Box<str> {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let mut text = String::with_capacity(36);
    for &byte in bytes {
        if HYPHENS.contains(&text.len()) {
            text.push('-');
        }
        text.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    text.into()
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
