use std::sync::atomic::{AtomicBool, Ordering};

/// Warns that a provider refuses its key: once, until it takes it again.
///
/// A key that is wrong or revoked is no fault of the exposures: they wait until it is put right,
/// as long as the outbox holds them.
#[derive(Debug, Default)]
pub(crate) struct KeyWatch(AtomicBool);

impl KeyWatch {
    pub(crate) fn refused(&self, provider: &str) {
        if !self.0.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                provider,
                cause = "key_refused",
                "the provider refuses the key; exposures wait until it is put right"
            );
        }
    }

    pub(crate) fn taken(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
