/// Each path as it is and with a slash at its end.
macro_rules! with_slash {
    ($($path:literal)*) => { &["/", $($path, concat!($path, "/")),*] };
}

/// The paths that senders use, as routers write them: `{name}` stands for one part.
#[rustfmt::skip]
pub const PATHS: &[&str] = with_slash![
    // Amplitude.
    "/2/httpapi" "/batch" "/identify" "/groupidentify"
    // OTLP.
    "/v1/logs" "/v1/traces"
    // Segment and RudderStack.
    "/v1/track" "/v1/identify" "/v1/page" "/v1/screen" "/v1/group" "/v1/alias" "/v1/merge"
    "/v1/batch" "/v1/import"
    "/v1/t" "/v1/i" "/v1/p" "/v1/s" "/v1/g" "/v1/a" "/v1/b" "/v1/m"
    "/t" "/i" "/p" "/s" "/g" "/a" "/b" "/m"
    "/beacon/v1/batch" "/pixel/v1/track" "/pixel/v1/page"
    "/v1/projects/{key}/settings" "/sourceConfig"
    // PostHog; `/track` also GrowthBook, `/batch` also Amplitude.
    "/i/v0/e" "/e" "/capture" "/track" "/engage" "/i/v1/analytics/events"
    "/flags" "/decide" "/array/{key}/config" "/array/{key}/config.js"
    "/api/surveys" "/api/early_access_features"
];

/// How long a body to a path may be, decompressed, where the server allows `configured` bytes:
/// the most that any protocol with this path allows.
pub fn max_body_bytes(path: &str, configured: usize) -> usize {
    const MIB: usize = 1024 * 1024;
    match path.strip_suffix('/').unwrap_or(path) {
        "" | "/2/httpapi" | "/identify" | "/groupidentify" => MIB,
        "/batch" => configured.max(20 * MIB),
        // What the protocol asks of receivers.
        "/v1/logs" | "/v1/traces" => configured.max(64 * MIB),
        _ => configured,
    }
}
