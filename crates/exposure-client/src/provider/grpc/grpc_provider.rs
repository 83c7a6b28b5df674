use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic::{Code, Status};

use super::answer;
use super::builder::GrpcProviderBuilder;
use super::connection::Connection;
use super::decode;
use super::encode::Encoded;
use super::stream::{OpenError, Stream};
use crate::Account;
use crate::provider::{
    Batch, BatchLimits, Delivery, ExposureProvider, KeyWatch, SendError, async_trait,
};

/// Sends exposures to an exposure server, which answers when they are durable.
///
/// ```
/// use exposure_client::provider::GrpcProvider;
///
/// let provider = GrpcProvider::builder("http://127.0.0.1:7070").api_key("key").build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A key that is refused may be put right: exposures wait, and the log warns once, as
/// `key_refused`.
#[derive(Debug)]
pub struct GrpcProvider {
    connection: Connection,
    name: String,
    library: String,
    limits: BatchLimits,
    is_streaming: AtomicBool,
    stream: tokio::sync::Mutex<Option<Arc<Stream>>>,
    key_watch: KeyWatch,
}

impl GrpcProvider {
    /// A provider that sends to the server at this address, such as `http://127.0.0.1:7070`.
    pub fn builder(url: impl Into<String>) -> GrpcProviderBuilder {
        GrpcProviderBuilder::new(url.into())
    }

    pub(super) fn new(
        connection: Connection,
        name: String,
        library: String,
        limits: BatchLimits,
        is_streaming: bool,
    ) -> Self {
        let is_streaming = AtomicBool::new(is_streaming);
        let stream = tokio::sync::Mutex::new(None);
        let key_watch = KeyWatch::default();
        Self { connection, name, library, limits, is_streaming, stream, key_watch }
    }

    /// The stream that is open, or a new one; `None` where there can be none.
    async fn stream(&self) -> Result<Option<Arc<Stream>>, SendError> {
        let mut stream = self.stream.lock().await;
        if let Some(open) = stream.as_ref().filter(|stream| !stream.has_ended()) {
            return Ok(Some(Arc::clone(open)));
        }
        match Stream::open(self.connection.client(), self.limits.in_flight).await {
            Ok(opened) => {
                self.key_watch.taken();
                let opened = Arc::new(opened);
                *stream = Some(Arc::clone(&opened));
                Ok(Some(opened))
            }
            Err(OpenError::Unsupported) => {
                tracing::info!(provider = self.name, "no streams here; each batch is a call");
                self.is_streaming.store(false, Ordering::Relaxed);
                Ok(None)
            }
            Err(OpenError::Failed(status)) => Err(self.failed(&status)),
        }
    }

    fn failed(&self, status: &Status) -> SendError {
        if let Code::Unauthenticated | Code::PermissionDenied = status.code() {
            self.key_watch.refused(&self.name);
        }
        answer::status(status)
    }
}

#[async_trait]
impl ExposureProvider for GrpcProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn limits(&self) -> BatchLimits {
        self.limits
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        if self.is_streaming.load(Ordering::Relaxed)
            && let Some(stream) = self.stream().await?
        {
            return stream.send(Encoded::new(batch, &self.library)).await;
        }
        let request = Encoded::new(batch, &self.library).request();
        let answered = self.connection.client().ingest(request).await;
        let response = answered.map_err(|status| self.failed(&status))?;
        self.key_watch.taken();
        decode::response(&response).map_err(|error| SendError::unavailable(error.to_string()))
    }

    async fn report(&self, account: &Account, client_id: u64) {
        let request = Encoded::report(account, client_id, &self.library).request();
        if let Err(status) = self.connection.client().ingest(request).await {
            tracing::debug!(provider = self.name, %status, "the account was not taken");
        }
    }

    async fn close(&self) {
        *self.stream.lock().await = None;
        self.connection.close();
    }
}
