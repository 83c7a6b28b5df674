use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::threads::Threads;
use super::{Blocking, ExposureClientBuilder, FlushReport, ShutdownReport, Tracked};
use crate::engine::Engine;
use crate::{Account, Origin, User, Variant, VariantSource};

/// Gives variants and tracks the exposures to them by itself. Cheap to clone; clones share all.
///
/// No call but those of [`Blocking`] blocks, and every call works inside a tokio runtime and
/// outside of one: the client has threads of its own. When the last clone goes without a
/// [`shutdown`](Self::shutdown), these go on for a few seconds to send what is left, as long as
/// the program lives.
#[derive(Clone)]
pub struct ExposureClient {
    source: Arc<dyn VariantSource>,
    is_automatic: bool,
    threads: Arc<Threads>,
}

impl ExposureClient {
    /// A client that takes variants from this source.
    pub fn builder(source: impl VariantSource) -> ExposureClientBuilder {
        ExposureClientBuilder::new(Arc::new(source))
    }

    pub(super) fn new(
        source: Arc<dyn VariantSource>,
        is_automatic: bool,
        threads: Threads,
    ) -> Self {
        Self { source, is_automatic, threads: Arc::new(threads) }
    }

    /// The variant of a flag for a user; tracks the exposure to it, unless automatic tracking is
    /// off.
    pub fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
        let variant = self.source.variant(user, flag_key);
        if self.is_automatic {
            self.engine().track(user, flag_key, variant.as_ref());
        }
        variant
    }

    /// The variant of a flag for a user, or this one where there is none, or the default one.
    ///
    /// Tracks as [`variant`](Self::variant) does: in place of a default variant it tracks an
    /// unset, and for an unknown flag nothing.
    pub fn variant_or(&self, user: &User, flag_key: &str, fallback: &Variant) -> Variant {
        let variant = match self.source.variant(user, flag_key) {
            None => fallback.with_origin(Origin::Fallback),
            Some(found) if found.is_default() => {
                if self.is_automatic {
                    self.engine().track(user, flag_key, Some(&found));
                }
                return fallback.with_origin(Origin::FallbackOverDefault);
            }
            Some(found) => found,
        };
        if self.is_automatic {
            self.engine().track(user, flag_key, Some(&variant));
        }
        variant
    }

    /// The variant of a flag for a user; tracks nothing.
    pub fn peek(&self, user: &User, flag_key: &str) -> Option<Variant> {
        self.source.variant(user, flag_key)
    }

    /// Tracks the exposure of a user to what the flag is for it now, whether tracking is automatic
    /// or not, and tells what became of it.
    pub fn exposure(&self, user: &User, flag_key: &str) -> Tracked {
        self.track(user, flag_key, self.source.variant(user, flag_key).as_ref())
    }

    /// Tracks the exposure of a user to this variant, wherever it comes from.
    pub fn track(&self, user: &User, flag_key: &str, variant: Option<&Variant>) -> Tracked {
        self.engine().track(user, flag_key, variant)
    }

    /// What became of everything that was tracked.
    pub fn account(&self) -> Account {
        self.engine().account()
    }

    /// Waits until all that was evaluated so far is on stable storage, or dropped and counted. Ends
    /// at once where the outbox is in memory.
    pub fn synced(&self) -> impl Future<Output = ()> + Send + 'static {
        let threads = Arc::clone(&self.threads);
        async move { threads.synced().await }
    }

    /// Sends all that was tracked so far without waiting for batches to fill.
    ///
    /// Ends when every provider has ended all of it, or a provider failed over it, or has asked to
    /// be left alone: what is left is in the report, and goes on being sent.
    pub fn flush(&self) -> impl Future<Output = FlushReport> + Send + 'static {
        let threads = Arc::clone(&self.threads);
        async move { threads.flush().await }
    }

    /// Stops tracking, sends what is left until the deadline, and ends the client's threads.
    ///
    /// From then on variants are still given, and what would be tracked is dropped and counted. A
    /// second shutdown waits for the first one, and reports the same.
    pub fn shutdown(
        &self,
        deadline: Duration,
    ) -> impl Future<Output = ShutdownReport> + Send + 'static {
        let threads = Arc::clone(&self.threads);
        async move { threads.shutdown(deadline).await }
    }

    /// The calls that wait, for programs without a runtime.
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking::new(self)
    }

    fn engine(&self) -> &Engine {
        self.threads.engine()
    }
}

impl fmt::Debug for ExposureClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExposureClient")
            .field("is_automatic", &self.is_automatic)
            .field("account", &self.account())
            .finish_non_exhaustive()
    }
}
