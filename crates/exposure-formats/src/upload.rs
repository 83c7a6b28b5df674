use exposure_core::Incoming;

use crate::{Refused, Whom};

/// What a request of a sender says, whichever its format.
#[derive(Clone, Debug, Default)]
pub struct Upload<'b> {
    /// The API keys it names, the likeliest first: the first one that is a project's counts.
    pub keys: Vec<&'b str>,
    /// The sender library, for events that name none themselves. Empty is unknown.
    pub library: &'b str,
    /// The shortest id it asks for, in characters: 1 to 1024. Absent: that of its dialect.
    pub min_id_chars: Option<usize>,
    /// The events in order; one that could not be read is an `Err` in its place.
    pub events: Vec<Result<Incoming<'b>, Refused<'b>>>,
    /// What the protocol calls each event in its answer; empty where it names none.
    pub names: Vec<&'b str>,
}

impl<'b> Upload<'b> {
    /// Whom the events are of, in order.
    pub fn whom(&self) -> Vec<Whom<'b>> {
        let whom = self.events.iter().map(|event| match event {
            Ok(event) => Whom {
                user_id: event.user_id.unwrap_or_default(),
                device_id: event.device_id.unwrap_or_default(),
            },
            Err(refused) => Whom { user_id: refused.user_id, device_id: refused.device_id },
        });
        whom.collect()
    }
}
