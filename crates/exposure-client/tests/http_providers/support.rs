//! What the tests share.

use std::time::Duration;

use exposure_client::provider::ExposureProvider;
use exposure_client::{
    Account, Clock, ExposureClient, InMemorySource, Metadata, Timestamp, User, Variant,
};
use serde_json::Value;

/// 2026-06-01, and a microsecond.
pub(crate) const NOW_US: i64 = 1_780_272_000_000_001;

/// A clock that stands still.
#[derive(Debug)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(NOW_US)
    }
}

/// A client that waits for nothing it need not wait for.
pub(crate) fn quick(provider: impl ExposureProvider) -> (InMemorySource, ExposureClient) {
    let source = InMemorySource::new();
    let client = ExposureClient::builder(source.clone())
        .provider(provider)
        .clock(Still)
        .linger(Duration::from_hours(1))
        .backoff(Duration::from_millis(1), Duration::from_millis(2))
        .attempt_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    (source, client)
}

/// Flushes until nothing is left.
pub(crate) fn drained(client: &ExposureClient) -> Account {
    for _ in 0..5000 {
        if client.blocking().flush().is_complete() {
            let account = client.account();
            assert!(account.closes() && account.pending == 0, "{account:?}");
            return account;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("something is left: {:?}", client.account());
}

/// A set with all that an exposure can have, an anonymous one, an unset, an impression.
pub(crate) fn track_each_kind(source: &InMemorySource, client: &ExposureClient) {
    let metadata = r#"{"experimentKey":"run-1","flagVersion":7,"text":"ü\"\n😀"}"#;
    let variant = Variant::builder().key("on").metadata(Metadata::from_json(metadata).unwrap());
    source.set("checkout", variant.build());
    client.variant(&User::new("user-1").with_device("device-1"), "checkout");
    source.set("search", Variant::new("b"));
    client.variant(&User::anonymous("device-2"), "search");
    source.set("search", Variant::builder().key("off").default_variant().build());
    client.variant(&User::new("user-1"), "search");
    let web = Metadata::from_json(r#"{"deliveryMethod":"web"}"#).unwrap();
    source.set("banner", Variant::builder().key("red").metadata(web).build());
    client.variant(&User::new("user-1"), "banner");
}

/// The member of each item, without what differs from run to run, which must be there.
pub(crate) fn take(items: &mut Value, member: &str) -> Vec<Value> {
    let items = items.as_array_mut().unwrap().iter_mut();
    items.map(|item| item.as_object_mut().unwrap().remove(member).unwrap()).collect()
}
