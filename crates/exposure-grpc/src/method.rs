//! The methods by name, for metrics: labels are static.

/// What the paths of our services begin with.
pub(crate) const PREFIX: &str = "/exposure.v1.";
/// What the paths of `IngestService` begin with.
pub(crate) const INGEST_PREFIX: &str = "/exposure.v1.IngestService/";

/// Their names.
pub(crate) const METHODS: [&str; 21] = [
    "IngestService/Ingest",
    "IngestService/IngestStream",
    "PropertyService/GetUserProperties",
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
];

/// The name of the method at a path.
pub(crate) fn method_name(path: &str) -> &'static str {
    match path.strip_prefix(PREFIX) {
        Some(method) => METHODS.into_iter().find(|name| *name == method).unwrap_or("other"),
        None if path.starts_with("/grpc.health.v1.Health/") => "health",
        None => "other",
    }
}
