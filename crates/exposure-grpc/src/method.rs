//! The methods by name, for metrics: labels are static.

/// What the paths of our services begin with.
pub(crate) const PREFIX: &str = "/exposure.v1.";
/// What the paths of `IngestService` begin with.
pub(crate) const INGEST_PREFIX: &str = "/exposure.v1.IngestService/";
/// The path of batches that come in calls.
pub(crate) const UNARY_INGEST: &str = "/exposure.v1.IngestService/Ingest";
/// The name of what reads one user's properties.
pub(crate) const ONE_USER: &str = "PropertyService/GetUserProperties";

/// What the paths of the services of OpenTelemetry begin with.
pub(crate) const OTLP_PREFIX: &str = "/opentelemetry.proto.collector.";

/// The names of the methods, ours and those of OpenTelemetry.
pub(crate) const METHODS: [&str; 23] = [
    "IngestService/Ingest",
    "IngestService/IngestStream",
    ONE_USER,
    "PropertyService/BatchGetUserProperties",
    "PropertyService/WatchUserProperties",
    "ExposureQueryService/ListFlags",
    "ExposureQueryService/GetFlagExposures",
    "ExposureQueryService/ListProfiles",
    "ExposureQueryService/Explain",
    "UsageService/GetUsage",
    "AdminService/CreateProject",
    "AdminService/ListProjects",
    "AdminService/CreateApiKey",
    "AdminService/ListApiKeys",
    "AdminService/RevokeApiKey",
    "AdminService/ListRejectedEvents",
    "AdminService/ListSenders",
    "AdminService/RetireFlag",
    "AdminService/EraseUser",
    "AdminService/GetStateHash",
    "AdminService/GetServerInfo",
    "LogsService/Export",
    "TraceService/Export",
];

/// The name of the method at a path.
pub(crate) fn method_name(path: &str) -> &'static str {
    let name = path.strip_prefix(PREFIX).or_else(|| {
        // The signal and its version stand before the service.
        path.strip_prefix(OTLP_PREFIX)?.splitn(3, '.').nth(2)
    });
    match name {
        Some(method) => METHODS.into_iter().find(|name| *name == method).unwrap_or("other"),
        None if path.starts_with("/grpc.health.v1.Health/") => "health",
        None => "other",
    }
}
