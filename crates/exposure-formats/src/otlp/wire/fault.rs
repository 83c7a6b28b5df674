use crate::BodyError;

/// What is wrong with bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Kind {
    #[error("an integer that is cut off or too long")]
    Varint,
    #[error("an impossible field number or wire type")]
    Key,
    #[error("a known field with the wire type of another type")]
    WireType,
    #[error("a length past the end of the message")]
    Truncated,
    #[error("the end of a group that did not begin")]
    EndGroup,
    #[error("messages nested deeper than 100 levels")]
    Depth,
    #[error("a text that is not UTF-8")]
    Utf8,
}

/// A fault while reading: the address is turned into an offset only once something failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    kind: Kind,
    address: usize,
}

impl Fault {
    #[cold]
    pub(super) fn new(kind: Kind, at: &[u8]) -> Self {
        Self { kind, address: at.as_ptr().addr() }
    }

    #[cold]
    pub(super) fn within(self, bytes: &[u8]) -> BodyError {
        let offset = self.address.saturating_sub(bytes.as_ptr().addr()).min(bytes.len());
        BodyError::Broken(format!("as protobuf it has {} at byte {offset}", self.kind))
    }
}
