//! What is tracked, and what repeats.

use exposure_client::{ExposureClient, ExposureKind, Metadata, Tracked, User, Variant, source_fn};

use crate::support::{closed, off, quick, seen, simple, user, variants};

#[test]
fn a_variant_is_tracked_once() {
    let (source, received, client) = simple();
    source.set("checkout", Variant::new("on"));
    for _ in 0..1000 {
        assert_eq!(client.variant(&user(), "checkout").unwrap().key(), Some("on"));
    }
    client.blocking().flush();
    assert_eq!(variants(&received), ["on"]);
    let account = closed(&client);
    assert_eq!((account.tracked, account.delivered, account.deduplicated), (1000, 1, 999));
}

#[test]
fn flip_back_is_three() {
    let (source, received, client) = simple();
    for variant in ["a", "a", "b", "b", "a"] {
        source.set("checkout", Variant::new(variant));
        client.variant(&user(), "checkout");
    }
    client.blocking().flush();
    assert_eq!(variants(&received), ["a", "b", "a"]);
    let exposures = seen(&received);
    assert!(
        exposures
            .is_sorted_by(|one, other| { (one.time, one.sequence) < (other.time, other.sequence) })
    );
}

#[test]
fn leaving_unsets_and_coming_back_sets() {
    let (source, received, client) = simple();
    let fallback = Variant::new("fallback");
    source.set("checkout", Variant::new("on"));
    client.variant(&user(), "checkout");
    source.set("checkout", off());
    // The default variant, and a fallback in its place, are the same unset.
    client.variant(&user(), "checkout");
    assert_eq!(client.variant_or(&user(), "checkout", &fallback).key(), Some("fallback"));
    source.set("checkout", Variant::new("on"));
    assert_eq!(client.variant_or(&user(), "checkout", &fallback).key(), Some("on"));
    client.blocking().flush();
    assert_eq!(variants(&received), ["on", "-", "on"]);
}

#[test]
fn what_is_no_exposure_is_not_tracked() {
    let (source, received, client) = simple();
    let untracked = Metadata::from_json(r#"{"trackExposure": false}"#).unwrap();
    source.set("quiet", Variant::builder().key("on").metadata(untracked).build());
    source.set("loud", Variant::new("on"));
    assert_eq!(client.variant(&user(), "unknown"), None);
    assert_eq!(client.variant_or(&user(), "unknown", &Variant::new("x")).key(), Some("x"));
    assert_eq!(client.variant(&user(), "quiet").unwrap().key(), Some("on"));
    assert_eq!(client.peek(&user(), "loud").unwrap().key(), Some("on"));
    assert_eq!(client.exposure(&user(), "unknown"), Tracked::Nothing);
    client.blocking().flush();
    assert_eq!(variants(&received), [""; 0]);
    assert_eq!(closed(&client).tracked, 0);
}

#[test]
fn automatic_tracking_can_be_off() {
    let (source, received, _) = simple();
    let client = quick(&source).provider(received.clone()).manual_tracking().build().unwrap();
    source.set("checkout", Variant::new("on"));
    client.variant(&user(), "checkout");
    client.variant_or(&user(), "checkout", &off());
    assert_eq!(closed(&client).tracked, 0);
    assert_eq!(client.exposure(&user(), "checkout"), Tracked::Queued);
    assert_eq!(client.exposure(&user(), "checkout"), Tracked::Repeat);
    client.blocking().flush();
    assert_eq!(variants(&received), ["on"]);
}

#[test]
fn identity_flag_and_run_tell_exposures_apart() {
    let run = |key: &str| Variant::builder().key("on").experiment_key(key).build();
    let (source, received, client) = simple();
    let users = [
        User::new("u"),
        User::new("u").with_device("d"),
        User::anonymous("d"),
        User::new("d"),
        User::new("u2"),
    ];
    for variant in [Variant::new("on"), run("run-1"), run("run-2")] {
        for flag in ["a", "b"] {
            source.set(flag, variant.clone());
            for user in &users {
                client.variant(user, flag);
                client.variant(user, flag);
            }
        }
    }
    client.blocking().flush();
    assert_eq!(received.exposures().len(), 3 * 2 * 5);
    let account = closed(&client);
    assert_eq!((account.delivered, account.deduplicated), (30, 30));
}

#[test]
fn identity_is_bound_at_the_call() {
    let (source, received, client) = simple();
    source.set("checkout", Variant::new("on"));
    let mut current = User::new("before");
    client.variant(&current, "checkout");
    current = User::new("after").with_device("d");
    client.variant(&current, "checkout");
    drop(current);
    client.blocking().flush();
    let exposures = seen(&received);
    let ids: Vec<_> =
        exposures.iter().map(|one| (one.user_id.as_deref(), one.device_id.as_deref())).collect();
    assert_eq!(ids, [(Some("before"), None), (Some("after"), Some("d"))]);
}

#[test]
fn an_exposure_carries_what_the_evaluation_said() {
    let json =
        r#"{"experimentKey":"run-9","flagType":"mutual-exclusion-group","exposureEvent":"saw"}"#;
    let metadata = Metadata::from_json(json).unwrap();
    let variant = Variant::builder().value("blue").metadata(metadata).build();
    let (source, received, client) = simple();
    source.set("color", variant);
    client.variant(&user(), "color");
    client.blocking().flush();
    let exposures = seen(&received);
    let [exposure] = &exposures[..] else { panic!("{exposures:?}") };
    assert_eq!(&*exposure.flag_key, "color");
    assert_eq!(exposure.variant.as_deref(), Some("blue"));
    assert_eq!(exposure.experiment_key.as_deref(), Some("run-9"));
    assert_eq!(exposure.metadata.as_ref().unwrap().json(), json);
    assert_eq!((exposure.kind(), exposure.event_name()), (ExposureKind::Impression, "saw"));
    assert_eq!(exposure.user_id.as_deref(), Some("user-1"));
    assert_eq!(exposure.device_id.as_deref(), Some("device-1"));
}

#[test]
fn a_refresh_of_flags_repeats_nothing() {
    let (source, received, client) = simple();
    for _ in 0..5 {
        source.replace([("checkout".to_owned(), Variant::new("on"))]);
        client.variant(&user(), "checkout");
    }
    client.blocking().flush();
    assert_eq!(variants(&received), ["on"]);
}

#[test]
fn any_source_will_do() {
    let (_, received, _) = simple();
    let source = source_fn(|user: &User, flag: &str| {
        user.user_id().filter(|_| flag == "f").map(Variant::new)
    });
    let client = ExposureClient::builder(source).provider(received.clone()).build().unwrap();
    client.variant(&User::new("u1"), "f");
    client.variant(&User::new("u1"), "g");
    client.blocking().flush();
    assert_eq!(variants(&received), ["u1"]);
}
