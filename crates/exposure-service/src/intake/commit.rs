use std::time::Instant;

use exposure_core::{Admitted, Change, ErrorCode, Outcome, Rejection};
use exposure_store::{Batch, Committed, Origin, Reject};

use super::prepare::Refusal;
use super::{IngestRequest, Prepared, Receipt, Refused};
use crate::project::{Reservations, Tenant, retired_document};
use crate::{Caller, Handle, Result, ServiceError};

impl Handle {
    /// Stores the events of a request. When it returns, every one of them is durable, a
    /// duplicate of a durable one, or refused. An error says that nothing is acknowledged.
    pub async fn ingest<'a, I>(
        &self,
        caller: &Caller,
        request: &IngestRequest<'a>,
        events: I,
    ) -> Result<Receipt<'a>>
    where
        I: IntoIterator<Item = std::result::Result<exposure_core::Incoming<'a>, Refused<'a>>>,
    {
        let prepared = self.prepare(caller, request, events)?;
        self.commit(prepared).await
    }

    /// Stores a request that was checked before.
    pub async fn commit<'a>(&self, mut prepared: Prepared<'a>) -> Result<Receipt<'a>> {
        let started = Instant::now();
        if let Some(held) = &prepared.reservations {
            self.revive_flags(&prepared.tenant, held).await?;
        }
        let committed = self.commit_batch(&prepared).await;
        if let Some(held) = prepared.reservations.take() {
            self.settle(&prepared, held, committed.as_deref().ok()).await;
        }
        let committed = committed?;
        let receipt = prepared.receipt(committed);
        self.meter().batch(receipt.outcomes(), started.elapsed());
        Ok(receipt)
    }

    async fn commit_batch(&self, prepared: &Prepared<'_>) -> Result<Vec<Committed>> {
        if prepared.events.is_empty() && prepared.refusals.is_empty() {
            return Ok(Vec::new());
        }
        let rejects: Vec<_> = prepared.refusals.iter().map(Refusal::to_reject).collect();
        self.commit_events(prepared.origin, &prepared.events, &rejects).await
    }

    /// One result for each event.
    pub(super) async fn commit_events(
        &self,
        origin: Origin,
        events: &[Admitted<'_>],
        rejects: &[Reject<'_>],
    ) -> Result<Vec<Committed>> {
        let committed = self.store().commit(&Batch { origin, events, rejects }).await?;
        if committed.len() == events.len() {
            return Ok(committed);
        }
        Err(ServiceError::new(
            ErrorCode::Internal,
            format!("the store answered {} events with {} results", events.len(), committed.len()),
        ))
    }

    /// Brings retired flags back before a set of them is stored, so that a restart in between
    /// counts one flag too many rather than one too few.
    async fn revive_flags(&self, tenant: &Tenant, held: &Reservations) -> Result<()> {
        for flag in held.revived() {
            let version = self.now().as_micros() as u64;
            self.store().put_document(&retired_document(tenant.id, flag, false, version)).await?;
        }
        Ok(())
    }

    /// Keeps the places of flags that are stored now, and gives the others back.
    async fn settle(
        &self,
        prepared: &Prepared<'_>,
        held: Reservations,
        committed: Option<&[Committed]>,
    ) {
        let flags = &prepared.tenant.flags;
        if let Some(committed) = committed {
            flags.settle(held, |flag| is_stored(&prepared.events, committed, flag));
            return;
        }
        // A failed commit may have stored a part of the batch: only the store knows.
        match self.store().flags(prepared.tenant.id).await {
            Ok(stored) => flags.settle(held, |flag| stored.iter().any(|held| **held == *flag)),
            Err(_) => flags.settle(held, |_| true),
        }
    }
}

impl<'a> Prepared<'a> {
    pub(super) fn receipt(mut self, committed: Vec<Committed>) -> Receipt<'a> {
        let events = std::mem::take(&mut self.events);
        let decided = std::mem::take(&mut self.decided);
        let n_outcomes = committed.len() + decided.len();
        let mut results = events.iter().zip(committed).map(|(event, result)| match result {
            Committed::Merged(effects) => Outcome::Accepted { effects, notes: event.notes },
            Committed::Duplicate { conflict } => Outcome::Duplicate { conflict },
            Committed::Erased => Outcome::Rejected(erased_rejection(event)),
        });
        if decided.is_empty() {
            let outcomes = results.collect();
            return Receipt::new(outcomes, events, Vec::new());
        }
        let mut outcomes = Vec::with_capacity(n_outcomes);
        let mut stored = Vec::with_capacity(n_outcomes);
        for (index, outcome) in decided {
            while outcomes.len() < index {
                let Some(result) = results.next() else { break };
                outcomes.push(result);
                stored.push(true);
            }
            outcomes.push(outcome);
            stored.push(false);
        }
        outcomes.extend(results);
        stored.resize(outcomes.len(), true);
        Receipt::new(outcomes, events, stored)
    }
}

impl Refusal<'_> {
    fn to_reject(&self) -> Reject<'_> {
        Reject {
            code: self.rejection.code,
            field: &self.rejection.field,
            message: &self.rejection.message,
            user: self.user,
            device: self.device,
            event: &self.event,
            library: self.library,
        }
    }
}

/// The store logs these itself, and without the id: nothing of an erased user may be kept.
fn erased_rejection(event: &Admitted<'_>) -> Rejection {
    let field = if event.ids.user().is_some() { "user_id" } else { "device_id" };
    Rejection::new(
        ErrorCode::Erased,
        field,
        "was erased at or after the time of the event; only newer events of it are stored",
    )
}

/// Whether a set of the flag was stored with this batch.
fn is_stored(events: &[Admitted<'_>], committed: &[Committed], flag: &str) -> bool {
    let merged =
        events.iter().zip(committed).filter(|(_, result)| matches!(result, Committed::Merged(_)));
    merged
        .flat_map(|(event, _)| event.writes())
        .any(|write| write.flag.as_str() == flag && write.change != Change::Unset)
}
