use bytes::Bytes;
use exposure_proto::codec::RawBytes;
use parking_lot::Mutex;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::tokio_stream::Stream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

/// The calls of `IngestService`, in bytes, that carry the key.
#[derive(Clone, Debug)]
pub(super) struct Client(Grpc<InterceptedService<Channel, Key>>);

/// Puts the key on each call, if there is one.
#[derive(Clone, Debug)]
pub(super) struct Key(Option<MetadataValue<Ascii>>);

/// The way to the server. It connects by itself, again and again.
#[derive(Debug)]
pub(super) struct Connection {
    endpoint: Endpoint,
    key: Key,
    /// Made when first used: it must be made within the runtime that drives it.
    client: Mutex<Option<Client>>,
}

/// An answer is shorter than its batch.
const MAX_ANSWER_BYTES: usize = 64 << 20;

impl Connection {
    pub(super) fn new(endpoint: Endpoint, key: Option<MetadataValue<Ascii>>) -> Self {
        Self { endpoint, key: Key(key), client: Mutex::new(None) }
    }

    pub(super) fn client(&self) -> Client {
        let mut client = self.client.lock();
        let made = client.get_or_insert_with(|| {
            let channel = InterceptedService::new(self.endpoint.connect_lazy(), self.key.clone());
            Client(Grpc::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES))
        });
        made.clone()
    }

    /// Lets go of it.
    pub(super) fn close(&self) {
        *self.client.lock() = None;
    }
}

impl Client {
    /// Sends an `IngestRequest`, and gives the `IngestResponse`.
    pub(super) async fn ingest(&mut self, request: Bytes) -> Result<Bytes, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static("/exposure.v1.IngestService/Ingest");
        let answered = self.0.unary(Request::new(request), path, RawBytes).await;
        Ok(answered?.into_inner())
    }

    /// Opens a stream: `IngestStreamRequest`s there, `IngestStreamResponse`s back.
    pub(super) async fn ingest_stream(
        &mut self,
        requests: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<Streaming<Bytes>, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static("/exposure.v1.IngestService/IngestStream");
        let answered = self.0.streaming(Request::new(requests), path, RawBytes).await;
        Ok(answered?.into_inner())
    }

    async fn ready(&mut self) -> Result<(), Status> {
        let ready = self.0.ready().await;
        ready.map_err(|error| Status::unavailable(format!("not connected: {error}")))
    }
}

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}
