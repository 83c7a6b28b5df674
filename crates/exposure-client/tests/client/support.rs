//! What the tests share.

use std::sync::Arc;
use std::time::Duration;

use exposure_client::provider::MemoryProvider;
use exposure_client::{
    Account, Exposure, ExposureClient, ExposureClientBuilder, InMemorySource, User, Variant,
};

/// A client that waits for nothing it need not wait for.
pub(crate) fn quick(source: &InMemorySource) -> ExposureClientBuilder {
    ExposureClient::builder(source.clone())
        .linger(Duration::ZERO)
        .backoff(Duration::from_millis(1), Duration::from_millis(2))
}

/// A source, a provider that takes all, and a client between them.
pub(crate) fn simple() -> (InMemorySource, MemoryProvider, ExposureClient) {
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    let client = quick(&source).provider(received.clone()).build().unwrap();
    (source, received, client)
}

pub(crate) fn user() -> User {
    User::new("user-1").with_device("device-1")
}

/// What was received, in the order in which it was seen.
pub(crate) fn seen(received: &MemoryProvider) -> Vec<Arc<Exposure>> {
    let mut exposures = received.exposures();
    exposures.sort_by_key(|exposure| (exposure.time, exposure.sequence));
    exposures
}

/// The variants received, in the order in which they were seen; `-` unsets.
pub(crate) fn variants(received: &MemoryProvider) -> Vec<String> {
    let variant = |exposure: &Arc<Exposure>| exposure.variant.as_deref().unwrap_or("-").to_owned();
    seen(received).iter().map(variant).collect()
}

/// The account, which must close.
pub(crate) fn closed(client: &ExposureClient) -> Account {
    let account = client.account();
    assert!(account.closes(), "{account:?}");
    account
}

pub(crate) fn off() -> Variant {
    Variant::builder().key("off").default_variant().build()
}
