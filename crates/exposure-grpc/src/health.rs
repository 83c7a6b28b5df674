use exposure_proto::v1;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

/// What `grpc.health.v1` answers: `SERVING` or not, for the server and each of its services.
///
/// It begins as not serving. It is not: a statement about anything but this process.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
}

/// The server as a whole, then each service.
const NAMES: [&str; 6] = [
    "",
    v1::ingest_service_server::SERVICE_NAME,
    v1::property_service_server::SERVICE_NAME,
    v1::exposure_query_service_server::SERVICE_NAME,
    v1::usage_service_server::SERVICE_NAME,
    v1::admin_service_server::SERVICE_NAME,
];

impl Health {
    /// A health that is not serving yet.
    pub async fn new() -> Self {
        let health = Self { reporter: HealthReporter::new() };
        health.not_serving().await;
        health
    }

    /// From now on the answer is `SERVING`.
    pub async fn serving(&self) {
        self.set(ServingStatus::Serving).await;
    }

    /// From now on the answer is `NOT_SERVING`; calls are still answered.
    pub async fn not_serving(&self) {
        self.set(ServingStatus::NotServing).await;
    }

    /// Ends those who watch it, so that a server that stops need not wait for them.
    pub(crate) async fn close(&self) {
        for name in NAMES {
            self.reporter.clone().clear_service_status(name).await;
        }
    }

    pub(crate) fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    async fn set(&self, status: ServingStatus) {
        for name in NAMES {
            self.reporter.set_service_status(name, status).await;
        }
    }
}
