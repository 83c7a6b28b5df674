use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::answer;
use super::builder::GrpcProviderBuilder;
use super::connection::Connection;
use super::event;
use super::stream::{OpenError, Stream};
use crate::provider::{Batch, BatchLimits, Delivery, ExposureProvider, SendError, async_trait};

/// Sends exposures to an exposure server, which answers when they are durable.
///
/// ```
/// use exposure_client::provider::GrpcProvider;
///
/// let provider = GrpcProvider::builder("http://127.0.0.1:7070").api_key("key").build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct GrpcProvider {
    connection: Connection,
    name: String,
    library: String,
    limits: BatchLimits,
    is_streaming: AtomicBool,
    stream: tokio::sync::Mutex<Option<Arc<Stream>>>,
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
        Self { connection, name, library, limits, is_streaming, stream }
    }

    /// The stream that is open, or a new one; `None` where there can be none.
    async fn stream(&self) -> Result<Option<Arc<Stream>>, SendError> {
        let mut stream = self.stream.lock().await;
        if let Some(open) = stream.as_ref().filter(|stream| !stream.has_ended()) {
            return Ok(Some(Arc::clone(open)));
        }
        match Stream::open(self.connection.client(), self.limits.in_flight).await {
            Ok(opened) => {
                let opened = Arc::new(opened);
                *stream = Some(Arc::clone(&opened));
                Ok(Some(opened))
            }
            Err(OpenError::Unsupported) => {
                tracing::info!(provider = self.name, "no streams here; each batch is a call");
                self.is_streaming.store(false, Ordering::Relaxed);
                Ok(None)
            }
            Err(OpenError::Failed(error)) => Err(error),
        }
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
            return stream.send(event::request(batch, &self.library)).await;
        }
        let request = event::request(batch, &self.library);
        let answered = self.connection.client().ingest(request).await;
        let response = answered.map_err(|status| answer::status(&status))?;
        Ok(answer::deliveries(response.into_inner().outcomes))
    }

    async fn close(&self) {
        *self.stream.lock().await = None;
        self.connection.close();
    }
}
