//! What the client allocates for what is known: nothing.

use exposure_client::provider::{Batch, Delivery, ExposureProvider, SendError, async_trait};
use exposure_client::{ExposureClient, InMemorySource, Tracked, User, Variant};

/// Takes all, and keeps nothing.
struct Nowhere;

#[async_trait]
impl ExposureProvider for Nowhere {
    fn name(&self) -> &'static str {
        "nowhere"
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        Ok(batch.all(Delivery::Delivered))
    }
}

#[test]
fn a_known_exposure_allocates_nothing() {
    let source = InMemorySource::new();
    source.set("checkout", Variant::builder().key("on").experiment_key("run-1").build());
    let client = ExposureClient::builder(source).provider(Nowhere).build().unwrap();
    let user = User::new("4f6e0bca-1f0e-4b0e-9c39-0d6a7a0a7d3e").with_device("device-1");
    let look = || {
        for _ in 0..1000 {
            assert!(client.variant(&user, "checkout").is_some());
        }
    };
    // While it is pending, and when it is delivered.
    assert_eq!(client.exposure(&user, "checkout"), Tracked::Queued);
    assert_eq!(allocation_counter::measure(look).count_total, 0);
    assert!(client.blocking().flush().is_complete());
    assert_eq!(allocation_counter::measure(look).count_total, 0);
}
