//! The tower layer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;

use exposure_client::provider::MemoryProvider;
use exposure_client::{
    ExposureClient, ExposureLayer, InMemorySource, RequestExposures, Tracked, User, Variant,
};
use http::Request;
use http::request::Parts;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

fn of_header(head: &Parts) -> Option<User> {
    let id = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    match (id("x-user-id"), id("x-device-id")) {
        (Some(user_id), Some(device_id)) => Some(User::new(user_id).with_device(device_id)),
        (Some(user_id), None) => Some(User::new(user_id)),
        (None, Some(device_id)) => Some(User::anonymous(device_id)),
        (None, None) => None,
    }
}

/// Sends a request with these headers through the layer to a handler.
fn handle<T: Send + 'static>(
    client: &ExposureClient,
    headers: &[(&str, &str)],
    handler: impl Fn(RequestExposures) -> T + Clone + Send + 'static,
) -> T {
    let service = ServiceBuilder::new()
        .layer(ExposureLayer::new(client.clone(), of_header))
        .service(service_fn(move |request: Request<()>| {
            let exposures = request.extensions().get::<RequestExposures>().unwrap().clone();
            let answer = handler(exposures);
            async move { Ok::<_, Infallible>(answer) }
        }));
    let request = headers
        .iter()
        .fold(Request::builder(), |request, (name, value)| request.header(*name, *value));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(service.oneshot(request.body(()).unwrap())).unwrap()
}

fn client() -> (InMemorySource, MemoryProvider, ExposureClient) {
    let (source, received) = (InMemorySource::new(), MemoryProvider::new());
    let client =
        ExposureClient::builder(source.clone()).provider(received.clone()).build().unwrap();
    (source, received, client)
}

fn seen(client: &ExposureClient, received: &MemoryProvider) -> Vec<String> {
    client.blocking().flush();
    let id = |id: &Option<std::sync::Arc<str>>| id.as_deref().unwrap_or("-").to_owned();
    let line = |one: &std::sync::Arc<exposure_client::Exposure>| {
        format!("{} {} {} {}", id(&one.user_id), id(&one.device_id), one.flag_key, id(&one.variant))
    };
    received.exposures().iter().map(line).collect()
}

#[test]
fn a_request_tracks_for_its_user() {
    let (source, received, client) = client();
    source.set("f", Variant::new("on"));
    let headers = [("x-user-id", "user-1"), ("x-device-id", "device-1")];
    for _ in 0..3 {
        let variant = handle(&client, &headers, |exposures| exposures.variant("f"));
        assert_eq!(variant, Some(Variant::new("on")));
    }
    handle(&client, &[("x-device-id", "device-2")], |exposures| exposures.variant("f"));
    assert_eq!(seen(&client, &received), ["user-1 device-1 f on", "- device-2 f on"]);
    assert_eq!(client.account().deduplicated, 2);
}

#[test]
fn nobody_is_given_variants_and_not_tracked() {
    let (source, received, client) = client();
    source.set("f", Variant::new("on"));
    source.set("off", Variant::builder().key("off").default_variant().build());
    let fallback = Variant::new("fallback");
    let (variant, or, unknown, default, peeked, tracked) = handle(&client, &[], move |exposures| {
        assert_eq!(exposures.user(), None);
        (
            exposures.variant("f"),
            exposures.variant_or("f", &fallback),
            exposures.variant_or("unknown", &fallback),
            exposures.variant_or("off", &fallback),
            exposures.peek("f"),
            exposures.exposure("f"),
        )
    });
    let on = Variant::new("on");
    assert_eq!((variant, or, peeked), (Some(on.clone()), on.clone(), Some(on)));
    assert_eq!((unknown, default), (Variant::new("fallback"), Variant::new("fallback")));
    assert_eq!(tracked, Tracked::Nothing);
    assert_eq!(client.account().tracked, 0);
    assert!(seen(&client, &received).is_empty());
}

#[test]
fn a_handler_has_all_ways_to_track() {
    let (source, received, client) = client();
    source.set("f", Variant::new("on"));
    source.set("off", Variant::builder().key("off").default_variant().build());
    let tracked = handle(&client, &[("x-user-id", "user-1")], |exposures| {
        exposures.peek("f");
        exposures.variant_or("unknown", &Variant::new("x"));
        exposures.variant_or("off", &Variant::new("x"));
        assert_eq!(exposures.user(), Some(&User::new("user-1")));
        exposures.exposure("f")
    });
    assert_eq!(tracked, Tracked::Queued);
    assert_eq!(seen(&client, &received), ["user-1 - off -", "user-1 - f on"]);
}
