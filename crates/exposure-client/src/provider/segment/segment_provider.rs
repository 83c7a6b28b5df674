use std::sync::Arc;

use super::builder::SegmentProviderBuilder;
use super::{answer, calls};
use crate::Clock;
use crate::http::HttpClient;
use crate::provider::{
    Batch, BatchLimits, Delivery, ExposureProvider, KeyWatch, SendError, async_trait,
};

/// Sends exposures to Segment, or to a server that takes what Segment takes.
///
/// Each is a `track` of `$exposure` with the properties `flag_key`, `variant`, `experiment_key`
/// and `metadata`; one without `variant` unsets. The device is the `anonymousId`, and the insert
/// id is the `messageId`.
///
/// ```
/// use exposure_client::provider::SegmentProvider;
///
/// let provider = SegmentProvider::builder("write-key")
///     .url("http://127.0.0.1:8080/v1/batch")
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What becomes of a batch, by Segment's own rules for senders:
///
/// | answer | then |
/// |---|---|
/// | 2xx | delivered: Segment does not tell of single events |
/// | 400, 413 | sent again in halves, down to the event that is at fault |
/// | 408, 410, 429, 460, 5xx but for 501, 505 and 511, no answer | sent again, after what `Retry-After` says or a backoff |
/// | 3xx, 401, 403, 404, 407 | the same: the key, the address or the network is wrong, and may be put right; of a key the log warns once, as `key_refused` |
/// | anything else | rejected |
///
/// An event of more than 32 KiB is rejected without being sent: Segment would drop it.
#[derive(Debug)]
pub struct SegmentProvider {
    pub(super) client: HttpClient,
    pub(super) name: String,
    pub(super) library: String,
    pub(super) limits: BatchLimits,
    pub(super) key_watch: KeyWatch,
    /// Where `sentAt` comes from; `None` leaves it out.
    pub(super) clock: Option<Arc<dyn Clock>>,
}

impl SegmentProvider {
    /// A provider that sends with the write key of a source.
    pub fn builder(write_key: impl Into<String>) -> SegmentProviderBuilder {
        SegmentProviderBuilder::new(write_key.into())
    }
}

#[async_trait]
impl ExposureProvider for SegmentProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> BatchLimits {
        self.limits
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        let calls = calls::of(batch, &self.library)?;
        if calls.is_empty() {
            return Ok(calls.answered(&Delivery::Delivered));
        }
        let sent_at = self.clock.as_ref().map(|clock| clock.now());
        let body = calls.body(sent_at)?;
        let answer = self.client.post(body).await?;
        if let 401 | 403 = answer.status {
            self.key_watch.refused(&self.name);
        } else {
            self.key_watch.taken();
        }
        let delivery = answer::delivery(&answer)?;
        Ok(calls.answered(&delivery))
    }
}
