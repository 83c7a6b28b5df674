use exposure_core::Admitted;

use super::Event;
use crate::suite::block_on;
use crate::{Batch, Committed, KeyId, Origin, ProjectId, Result, Store};

/// An event with the request it came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The request.
    pub origin: Origin,
    /// The event; one that is admitted.
    pub event: Event,
}

impl Arrival {
    /// The event as it is admitted, if it is.
    pub fn admitted(&self) -> Option<Admitted<'_>> {
        self.event.admitted(self.origin.received)
    }
}

/// An origin of a project whose clock shows `received`.
pub const fn owned_origin(project: ProjectId, received: exposure_core::Timestamp) -> Origin {
    Origin { project, key: KeyId(1), received, now: received }
}

/// Arrivals cut into batches of the given sizes, over and over, and where the origin changes.
pub fn batches<'h>(arrivals: &[&'h Arrival], sizes: &[usize]) -> Vec<Vec<&'h Arrival>> {
    let mut sizes = sizes.iter().copied().chain([7]).cycle();
    let mut size = sizes.next().unwrap_or(1);
    let mut batches: Vec<Vec<&Arrival>> = Vec::new();
    for arrival in arrivals {
        match batches.last_mut() {
            Some(batch) if batch.len() < size && batch[0].origin == arrival.origin => {
                batch.push(arrival);
            }
            _ => {
                batches.push(vec![arrival]);
                size = sizes.next().unwrap_or(1);
            }
        }
    }
    batches
}

/// Commits arrivals of one origin as one batch.
pub fn commit(store: &dyn Store, arrivals: &[&Arrival]) -> Result<Vec<Committed>> {
    let Some(first) = arrivals.first() else { return Ok(Vec::new()) };
    let events: Vec<_> = arrivals.iter().filter_map(|arrival| arrival.admitted()).collect();
    block_on(store.commit(&Batch { origin: first.origin, events: &events, rejects: &[] }))
}
