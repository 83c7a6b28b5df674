use std::time::Instant;

use exposure_store::Origin;
use futures::future::join_all;

use super::{Prepared, Receipt};
use crate::{Handle, Result};

impl Handle {
    /// Stores requests of one caller that were checked, as one batch where that can be: one
    /// result for each, in their order, which is what [`commit`](Self::commit) of it alone gives.
    ///
    /// Small requests that came together cost little more than one of them. If one of them has
    /// more to do than to store events, as the first of a flag has, each is stored alone.
    /// Where the store has no room for all of them, none is stored.
    pub async fn commit_together<'a>(
        &self,
        requests: Vec<Prepared<'a>>,
    ) -> Vec<Result<Receipt<'a>>> {
        match common_origin(&requests) {
            Some(origin) => self.commit_as_one(origin, requests).await,
            None => join_all(requests.into_iter().map(|request| self.commit(request))).await,
        }
    }

    async fn commit_as_one<'a>(
        &self,
        origin: Origin,
        mut requests: Vec<Prepared<'a>>,
    ) -> Vec<Result<Receipt<'a>>> {
        let started = Instant::now();
        let mut events =
            Vec::with_capacity(requests.iter().map(|request| request.events.len()).sum());
        let mut counts = Vec::with_capacity(requests.len());
        for request in &mut requests {
            counts.push(request.events.len());
            events.append(&mut request.events);
        }
        let committed = match self.commit_events(origin, &events, &[]).await {
            Ok(committed) => committed,
            Err(error) => return requests.iter().map(|_| Err(error.clone())).collect(),
        };
        let elapsed = started.elapsed();
        let (mut events, mut committed) = (events.into_iter(), committed.into_iter());
        let receipts = requests.into_iter().zip(counts).map(|(mut request, n_events)| {
            request.events.extend(events.by_ref().take(n_events));
            let receipt = request.receipt(committed.by_ref().take(n_events).collect());
            self.meter().batch(receipt.outcomes(), elapsed);
            Ok(receipt)
        });
        receipts.collect()
    }
}

/// Where all of the requests come from: they were received when the last of them was.
fn common_origin(requests: &[Prepared<'_>]) -> Option<Origin> {
    let (first, others) = requests.split_first()?;
    if others.is_empty() || !requests.iter().all(Prepared::has_only_events) {
        return None;
    }
    let same = |other: &Prepared<'_>| {
        (other.origin.project, other.origin.key) == (first.origin.project, first.origin.key)
    };
    let now = requests.iter().map(|request| request.origin.now).max()?;
    others.iter().all(same).then_some(Origin { received: now, now, ..first.origin })
}

impl Prepared<'_> {
    /// Whether there is nothing to do but to store events that were received just now.
    fn has_only_events(&self) -> bool {
        !self.events.is_empty()
            && self.refusals.is_empty()
            && self.reservations.is_none()
            && self.origin.received == self.origin.now
    }
}
