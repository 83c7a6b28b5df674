//! Bytes that are no message, messages that are too large, options out of bounds.

use bytes::Bytes;
use exposure_grpc::Settings;
use exposure_proto::v1;
use exposure_service::Scope;
use tonic::{Code, Request};

use crate::auth::{METHODS, STREAMS, call, first_of_stream};
use crate::world::{World, exposure, field, keyed, reason, with_key};

#[tokio::test]
async fn bytes_that_are_no_protobuf_are_refused_everywhere() {
    let world = World::new().await;
    let channel = world.channel().await;
    // A length that points past the end; and a group that is never opened.
    for bytes in [&b"\x0a\xff\x01"[..], b"\x0c", b"\x08"] {
        let bytes = Bytes::from_static(bytes);
        for (method, _) in METHODS {
            let status = call(&channel, method, keyed(bytes.clone())).await.unwrap_err();
            let seen = (status.code(), reason(&status));
            assert_eq!(seen, (Code::InvalidArgument, "INVALID".into()), "{method}: {status:?}");
        }
        for (method, _) in STREAMS {
            let mut answers = Vec::new();
            let request = keyed(bytes.clone());
            match first_of_stream(&channel, method, request).await {
                // The credit comes first.
                Ok(first) => answers.extend(first),
                Err(status) => {
                    assert_eq!(status.code(), Code::InvalidArgument, "{method}: {status:?}");
                    assert_eq!(reason(&status), "INVALID");
                    continue;
                }
            }
            assert_eq!((method, answers.len()), ("IngestService/IngestStream", 1));
        }
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_a_batch_too_large() {
    let settings = Settings { max_message_bytes: 4096, ..Settings::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let channel = world.channel().await;
    let large = Bytes::from(vec![0; 5000]);
    for (method, _) in METHODS {
        let status = call(&channel, method, keyed(large.clone())).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{method}: {status:?}");
        assert_eq!(reason(&status), "BATCH_TOO_LARGE", "{method}");
        assert!(status.message().contains("4096"), "{method}: {status:?}");
    }
}

#[tokio::test]
async fn a_batch_of_too_many_events_stores_nothing() {
    let service = exposure_service::Settings { max_batch_events: 10, ..Default::default() };
    let world = World::with(Settings::default(), service).await;
    let mut client = world.ingest().await;
    let events = |n_events| v1::IngestRequest {
        events: vec![exposure("u", "f", Some("on")); n_events],
        ..Default::default()
    };
    let status = client.ingest(keyed(events(11))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "BATCH_TOO_LARGE".into()));
    assert!(status.message().contains("10"), "{status:?}");
    assert_eq!(world.store.begun.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!(client.ingest(keyed(events(10))).await.unwrap().into_inner().outcomes.len(), 10);
}

#[tokio::test]
async fn an_import_needs_admin_and_sane_options() {
    let world = World::new().await;
    let mut client = world.ingest().await;
    let request = |options: v1::ImportOptions| v1::IngestRequest {
        events: vec![exposure("abcd", "f", Some("on"))],
        import_options: Some(options),
        ..Default::default()
    };
    let ingest_only = world.key(&[Scope::Ingest]).await;
    let options = v1::ImportOptions::default();
    let status = client.ingest(with_key(request(options), &ingest_only)).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, "PERMISSION_DENIED".into())
    );

    for (options, name) in [
        (v1::ImportOptions { dialect: 9, ..options }, "import_options.dialect"),
        (v1::ImportOptions { min_id_length: Some(0), ..options }, "import_options.min_id_length"),
        (v1::ImportOptions { received_us: Some(5), ..options }, "import_options.received_us"),
    ] {
        let status = client.ingest(keyed(request(options))).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(field(&status).as_deref(), Some(name));
    }
    let future = v1::ImportOptions { received_us: Some(i64::MAX), ..options };
    let status = client.ingest(keyed(request(future))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "INVALID".into()));

    // Amplitude asks for five characters, unless the request says otherwise.
    let amplitude = v1::ImportOptions { dialect: v1::Dialect::Amplitude.into(), ..options };
    let shorter = v1::ImportOptions { min_id_length: Some(4), ..amplitude };
    for (options, accepted) in [(amplitude, false), (shorter, true)] {
        let outcomes = client.ingest(keyed(request(options))).await.unwrap().into_inner().outcomes;
        let result = outcomes[0].result.as_ref().unwrap();
        let is_accepted = matches!(result, v1::event_outcome::Result::Accepted(_));
        assert_eq!(is_accepted, accepted, "{result:?}");
    }
}

#[tokio::test]
async fn unknown_methods_and_values_are_named() {
    let world = World::new().await;
    let channel = world.channel().await;
    for method in ["IngestService/Nothing", "AdminService/Nothing", "NoService/Nothing"] {
        let status = call(&channel, method, keyed(Bytes::new())).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{method}");
    }
    let mut queries =
        v1::exposure_query_service_client::ExposureQueryServiceClient::new(channel.clone());
    let request = v1::ListProfilesRequest { flag_key: "f".into(), basis: 9, ..Default::default() };
    let status = queries.list_profiles(keyed(request)).await.unwrap_err();
    assert_eq!(field(&status).as_deref(), Some("basis"));
    let request =
        v1::GetFlagExposuresRequest { flag_key: "f".into(), interval: 9, ..Default::default() };
    let status = queries.get_flag_exposures(keyed(request)).await.unwrap_err();
    assert_eq!(field(&status).as_deref(), Some("interval"));
    let mut usage = v1::usage_service_client::UsageServiceClient::new(channel.clone());
    let request = v1::GetUsageRequest { start_day: "2026-13-01".into(), ..Default::default() };
    let status = usage.get_usage(keyed(request)).await.unwrap_err();
    assert_eq!(
        (status.code(), field(&status).as_deref()),
        (Code::InvalidArgument, Some("start_day"))
    );
    let mut admin = v1::admin_service_client::AdminServiceClient::new(channel);
    let request = v1::CreateApiKeyRequest { scopes: vec![7], ..Default::default() };
    let status = admin.create_api_key(keyed(request)).await.unwrap_err();
    assert_eq!(field(&status).as_deref(), Some("scopes"));
    for key_id in ["", "x", "4000000000", "9999"] {
        let request = Request::new(v1::RevokeApiKeyRequest { key_id: key_id.into() });
        let status = admin.revoke_api_key(keyed(request.into_inner())).await.unwrap_err();
        let expected = if key_id.is_empty() { Code::InvalidArgument } else { Code::NotFound };
        assert_eq!(status.code(), expected, "`{key_id}`: {status:?}");
    }
}
