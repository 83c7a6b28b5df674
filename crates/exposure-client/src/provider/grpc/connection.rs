use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use parking_lot::Mutex;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// A client whose calls carry the key.
pub(super) type Client = IngestServiceClient<InterceptedService<Channel, Key>>;

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
            IngestServiceClient::with_interceptor(self.endpoint.connect_lazy(), self.key.clone())
                .max_decoding_message_size(MAX_ANSWER_BYTES)
        });
        made.clone()
    }

    /// Lets go of it.
    pub(super) fn close(&self) {
        *self.client.lock() = None;
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
