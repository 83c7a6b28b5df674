//! A provider of one's own: `cargo run --example custom_provider`.
#![expect(clippy::print_stdout, reason = "a program talks")]

use std::error::Error;

use exposure_client::provider::{Batch, Delivery, ExposureProvider, SendError, async_trait};
use exposure_client::{ExposureClient, User, Variant, source_fn};

/// Publishes exposures to a queue; the client does all the rest.
struct Queue {
    topic: &'static str,
}

#[async_trait]
impl ExposureProvider for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        for exposure in batch.exposures() {
            let (id, flag) = (exposure.insert_id, &exposure.flag_key);
            // What fails here is sent again with: .map_err(|e| SendError::unavailable(e.to_string()))?
            println!("{}: {id} {flag} {:?}", self.topic, exposure.variant);
        }
        Ok(batch.all(Delivery::Delivered))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let source = source_fn(|_: &User, _: &str| Some(Variant::new("on")));
    let queue = Queue { topic: "exposures" };
    let client = ExposureClient::builder(source).provider(queue).build()?;
    client.variant(&User::new("user-1"), "checkout");
    client.blocking().flush();
    Ok(())
}
