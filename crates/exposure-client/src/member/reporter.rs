use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::Instant;

use super::Runner;
use crate::Account;
use crate::provider::Leave;

/// Knows when a provider is to be told of the account beside its batches.
#[derive(Default)]
pub(super) struct Reporter {
    /// What was tracked when it was told last.
    told: Option<Account>,
    at: Option<Instant>,
    under_way: Option<BoxFuture<'static, ()>>,
}

/// How long after an answer the account is told, if no batch does before.
const AFTER_ANSWER: Duration = Duration::from_secs(5);
/// How often it is looked whether there is anything new to tell.
const EVERY: Duration = Duration::from_mins(1);
/// How long a report may take.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Reporter {
    /// A batch tells it.
    pub(super) fn told(&mut self, account: &Account) {
        self.told = Some(account.clone());
        self.at = None;
    }

    /// A batch was answered, which changes the account.
    pub(super) fn answered(&mut self, now: Instant) {
        self.at = Some(now + AFTER_ANSWER);
    }

    pub(super) fn wake(&self) -> Option<Instant> {
        self.at.filter(|_| self.under_way.is_none())
    }

    /// Returns when the report that is under way has ended; never, if there is none.
    pub(super) async fn done(&mut self) {
        match &mut self.under_way {
            Some(report) => report.await,
            None => std::future::pending().await,
        }
        self.under_way = None;
    }
}

impl Runner {
    pub(super) fn report_if_due(&mut self, now: Instant) {
        if self.reporter.wake().is_none_or(|at| now < at) {
            return;
        }
        self.reporter.at = Some(now + EVERY);
        let account = self.engine.account();
        let is_known = self.reporter.told.as_ref() == Some(&account);
        if is_known || self.breaker.leave(now) != Leave::Full {
            return;
        }
        self.reporter.told = Some(account.clone());
        self.reporter.under_way = Some(Box::pin(self.report(account)));
    }

    /// Tells how it ended, if anything is new about that.
    pub(super) async fn report_at_last(&self) {
        let account = self.engine.account();
        let was_told_any = self.reporter.told.is_some();
        if was_told_any && self.reporter.told.as_ref() != Some(&account) {
            self.report(account).await;
        }
    }

    fn report(&self, account: Account) -> impl Future<Output = ()> + Send + 'static {
        let (lane, client_id) = (Arc::clone(&self.lane), self.engine.client_id());
        async move {
            let report = async { lane.provider.report(&account, client_id).await };
            let report = AssertUnwindSafe(report).catch_unwind();
            if let Ok(Err(_panic)) = tokio::time::timeout(TIMEOUT, report).await {
                tracing::error!(provider = lane.name, "the provider panicked over the account");
            }
        }
    }
}
