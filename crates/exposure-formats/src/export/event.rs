use exposure_core::{Incoming, Timestamp};

use crate::Refused;

/// One line of an export.
#[derive(Clone, Debug)]
pub struct ExportedEvent<'b> {
    /// What it says, or why it could not be read.
    pub event: Result<Incoming<'b>, Refused<'b>>,
    /// When the other server received it; `None` where the line does not say.
    pub received: Option<Timestamp>,
}
