use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use exposure_proto::v1::admin_service_client::AdminServiceClient;
use exposure_proto::v1::exposure_query_service_client::ExposureQueryServiceClient;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::property_service_client::PropertyServiceClient;
use exposure_proto::v1::usage_service_client::UsageServiceClient;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::environment::Environment;
use crate::failure::{Failure, Result};

/// Which server, with which key, and for whom the answer is.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClientOptions {
    /// The server's gRPC address [env: EXPOSURE_SERVER] [default: http://127.0.0.1:7070]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The API key [env: EXPOSURE_API_KEY]
    #[arg(long, value_name = "KEY")]
    pub(crate) api_key: Option<String>,
    /// Answer with JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// A server that answers, and the key to ask it with. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    channel: Channel,
    key: ApiKey,
}

/// Puts the key on each call.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey(MetadataValue<Ascii>);

/// A channel whose calls carry the key.
pub(crate) type Keyed = InterceptedService<Channel, ApiKey>;

const DEFAULT_SERVER: &str = "http://127.0.0.1:7070";
/// Answers are as long as the server's limits let them be, not as tonic guesses.
const MAX_ANSWER_BYTES: usize = 256 << 20;

impl Interceptor for ApiKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl ClientOptions {
    /// The server and the key, not asked yet.
    pub(crate) fn resolve(&self, environment: &Environment) -> Result<(Endpoint, ApiKey)> {
        let server = self.server.as_deref().or(environment.get("EXPOSURE_SERVER"));
        let server = server.unwrap_or(DEFAULT_SERVER);
        let url =
            if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
        let wrong = || {
            Failure::usage(format!("`{server}` is no server; give its address as {DEFAULT_SERVER}"))
        };
        if !url.starts_with("http://") {
            return Err(wrong());
        }
        let endpoint = Endpoint::from_shared(url)
            .map_err(|_| wrong())?
            .connect_timeout(Duration::from_secs(5))
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .user_agent(concat!("exposure-cli/", env!("CARGO_PKG_VERSION")))
            .map_err(Failure::failed)?;
        let key = self.key(environment)?;
        Ok((endpoint, bearer(key)?))
    }

    /// The key alone.
    pub(crate) fn key<'a>(&'a self, environment: &'a Environment) -> Result<&'a str> {
        self.api_key.as_deref().or(environment.get("EXPOSURE_API_KEY")).ok_or_else(|| {
            Failure::usage("there is no API key; give --api-key KEY or set EXPOSURE_API_KEY")
        })
    }

    /// A server that answers.
    pub(crate) async fn connect(&self, environment: &Environment) -> Result<Connection> {
        let (endpoint, key) = self.resolve(environment)?;
        Connection::new(&endpoint, key).await
    }
}

impl Connection {
    pub(crate) async fn new(endpoint: &Endpoint, key: ApiKey) -> Result<Self> {
        let channel =
            endpoint.connect().await.map_err(|error| unreachable(endpoint, &root_cause(&error)))?;
        Ok(Self { channel, key })
    }

    pub(crate) fn ingest(&self) -> IngestServiceClient<Keyed> {
        IngestServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn properties(&self) -> PropertyServiceClient<Keyed> {
        PropertyServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn queries(&self) -> ExposureQueryServiceClient<Keyed> {
        ExposureQueryServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn usage(&self) -> UsageServiceClient<Keyed> {
        UsageServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Keyed> {
        AdminServiceClient::with_interceptor(self.channel.clone(), self.key.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// The channel alone, for messages that are bytes already.
    pub(crate) fn keyed(&self) -> Keyed {
        InterceptedService::new(self.channel.clone(), self.key.clone())
    }
}

impl ApiKey {
    /// The header's value.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_encoded_bytes()
    }
}

/// Why there is no connection.
pub(crate) fn unreachable(endpoint: &Endpoint, cause: &str) -> Failure {
    Failure::failed(format!(
        "can not reach {}: {cause}; is `exposure serve` running there?",
        endpoint.uri()
    ))
}

/// The keys of a file, one to a line.
pub(crate) fn read_keys(path: &Path) -> Result<Vec<ApiKey>> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("can not read the keys in {}: {error}", path.display()))
    })?;
    text.split_whitespace().map(bearer).collect()
}

fn bearer(key: &str) -> Result<ApiKey> {
    MetadataValue::try_from(format!("Bearer {key}"))
        .map(ApiKey)
        .map_err(|_| Failure::usage("the API key has characters that no key has"))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}
