use std::fmt;

use super::builder::AmplitudeProviderBuilder;
use super::{answer, upload};
use crate::http::HttpClient;
use crate::provider::{
    Batch, BatchLimits, Delivery, ExposureProvider, KeyWatch, SendError, async_trait,
};

/// Sends exposures to Amplitude, or to a server that takes what Amplitude takes.
///
/// Each is an event `$exposure` with the properties `flag_key`, `variant`, `experiment_key` and
/// `metadata`; one without `variant` unsets. Times are milliseconds, and the order within one is
/// in `event_id`.
///
/// ```
/// use exposure_client::provider::AmplitudeProvider;
///
/// let provider = AmplitudeProvider::builder("api-key")
///     .url("http://127.0.0.1:8080/2/httpapi")
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What becomes of an upload, by Amplitude's own rules for senders:
///
/// | answer | then |
/// |---|---|
/// | 200 with `code` 200 | delivered |
/// | 400 that lists events as invalid, silenced or without a field | those are rejected, the others sent again |
/// | 400 with `Invalid API key`, 401, 403 | sent again: the key may be put right; the log warns once, as `key_refused` |
/// | 400 with `missing_field` | all are rejected |
/// | any other 400 | sent again in halves, down to the event that is at fault |
/// | 413 | sent again in halves |
/// | 429 | throttled events wait for 30 s or what `Retry-After` says, those over a daily quota are rejected, the others are sent again |
/// | anything else, no answer, an answer that is not Amplitude's | sent again, after what `Retry-After` says or a backoff |
pub struct AmplitudeProvider {
    pub(super) client: HttpClient,
    pub(super) api_key: String,
    pub(super) name: String,
    pub(super) library: String,
    pub(super) min_id_length: Option<usize>,
    pub(super) limits: BatchLimits,
    pub(super) key_watch: KeyWatch,
}

/// Amplitude takes less than 1 MB at once.
const MAX_BYTES: usize = 1_000_000 - 1;

impl AmplitudeProvider {
    /// A provider that sends with the API key of a project.
    pub fn builder(api_key: impl Into<String>) -> AmplitudeProviderBuilder {
        AmplitudeProviderBuilder::new(api_key.into())
    }
}

#[async_trait]
impl ExposureProvider for AmplitudeProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> BatchLimits {
        self.limits
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        let body = upload::json(batch, &self.api_key, &self.library, self.min_id_length)?;
        if MAX_BYTES < body.len() {
            let reason = format!("the upload has {} bytes; {MAX_BYTES} may be sent", body.len());
            return Err(SendError::TooLarge { reason });
        }
        let answer = self.client.post(body).await?;
        if answer::refuses_key(&answer) {
            self.key_watch.refused(&self.name);
        } else {
            self.key_watch.taken();
        }
        answer::deliveries(&answer, batch)
    }
}

impl fmt::Debug for AmplitudeProvider {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmplitudeProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
