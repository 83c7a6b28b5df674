use crate::Request;
use crate::json::first_member;

/// A path of Amplitude's HTTP API, each with its own form of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/2/httpapi`: JSON.
    HttpApi,
    /// `/batch`: the same JSON, longer.
    Batch,
    /// `/identify`: a query, a form or JSON with `identification`.
    Identify,
    /// `/groupidentify`: the same, of groups.
    GroupIdentify,
    /// `/`: the form of the oldest browser SDK.
    Legacy,
}

/// How many events an upload may have.
pub const MAX_EVENTS: usize = 2000;

impl Endpoint {
    /// The endpoint that a request is for. `/batch` is also PostHog's, whose bodies have no
    /// `events`.
    pub fn of(request: &Request<'_>) -> Option<Self> {
        let path = request.path.strip_suffix('/').unwrap_or(request.path);
        match path {
            "/2/httpapi" => Some(Self::HttpApi),
            "/batch" if is_upload(request.body) => Some(Self::Batch),
            "/identify" => Some(Self::Identify),
            "/groupidentify" => Some(Self::GroupIdentify),
            "" if request.method == "POST" => Some(Self::Legacy),
            _ => None,
        }
    }
}

/// Whether a body may be an upload, or is too broken to be anything; PostHog's are objects with
/// a `batch`, arrays, or forms.
fn is_upload(body: &[u8]) -> bool {
    match body.trim_ascii_start().first() {
        None => true,
        Some(b'{') => first_member(body, &["events", "batch"]) != Some("batch"),
        Some(_) => false,
    }
}
