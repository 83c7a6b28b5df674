/// The paths that senders use, as routers write them: `{name}` stands for one part.
pub const PATHS: &[&str] = &[
    "/",
    "/2/httpapi",
    "/2/httpapi/",
    "/batch",
    "/batch/",
    "/identify",
    "/identify/",
    "/groupidentify",
    "/groupidentify/",
];

/// How long a body to a path may be, decompressed, where the server allows `configured` bytes:
/// the most that any protocol with this path allows.
pub fn max_body_bytes(path: &str, configured: usize) -> usize {
    const MIB: usize = 1024 * 1024;
    match path.strip_suffix('/').unwrap_or(path) {
        "" | "/2/httpapi" | "/identify" | "/groupidentify" => MIB,
        "/batch" => configured.max(20 * MIB),
        _ => configured,
    }
}
