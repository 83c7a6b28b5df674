use std::time::Duration;

use http::Method;
use http::header::RETRY_AFTER;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// Pages of any site may send events, with whatever headers their SDKs think of; beacons send
/// cookies, which only a mirrored origin may. What they read back is the answer alone, and how
/// long to wait: a browser hides that header unless it is exposed.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .allow_credentials(true)
        .expose_headers([RETRY_AFTER])
        .max_age(Duration::from_hours(24))
}
