use exposure_core::ErrorCode;

/// Why bytes are no ingest request, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset}")]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// Where reading stopped, in bytes from the beginning of the request.
    pub offset: usize,
}

impl DecodeError {
    /// The reason as it is answered.
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            DecodeErrorKind::TooManyEvents(_) | DecodeErrorKind::TooManyWrites(_) => {
                ErrorCode::BatchTooLarge
            }
            DecodeErrorKind::Varint
            | DecodeErrorKind::Key
            | DecodeErrorKind::WireType
            | DecodeErrorKind::Truncated
            | DecodeErrorKind::EndGroup
            | DecodeErrorKind::Depth
            | DecodeErrorKind::Utf8 => ErrorCode::Invalid,
        }
    }
}

/// What is wrong with bytes that are no ingest request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// An integer is cut off, or has more than 64 bits.
    #[error("an integer that is cut off or too long")]
    Varint,
    /// A field has number zero, a number that is too great, or no known wire type.
    #[error("an impossible field number or wire type")]
    Key,
    /// A known field has the wire type of another type.
    #[error("a known field with the wire type of another type")]
    WireType,
    /// A length points past the end.
    #[error("a length past the end of the message")]
    Truncated,
    /// A group ends that did not begin.
    #[error("the end of a group that did not begin")]
    EndGroup,
    /// Groups are nested deeper than the protocol allows.
    #[error("groups nested deeper than 100 levels")]
    Depth,
    /// A text is not UTF-8.
    #[error("a text that is not UTF-8")]
    Utf8,
    /// There are more events than allowed.
    #[error("more than {0} events; send smaller batches")]
    TooManyEvents(usize),
    /// There are more property writes than allowed.
    #[error("more than {0} property writes; send smaller batches")]
    TooManyWrites(usize),
}

/// A fault while reading: the address is turned into an offset only once something failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    kind: DecodeErrorKind,
    address: usize,
}

impl Fault {
    #[cold]
    pub(super) fn new(kind: DecodeErrorKind, at: &[u8]) -> Self {
        Self { kind, address: at.as_ptr().addr() }
    }

    #[cold]
    pub(super) fn within(self, bytes: &[u8]) -> DecodeError {
        let offset = self.address.saturating_sub(bytes.as_ptr().addr()).min(bytes.len());
        DecodeError { kind: self.kind, offset }
    }
}
