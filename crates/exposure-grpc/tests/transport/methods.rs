//! Every method once, with what it is for.

use exposure_proto::v1;
use exposure_proto::v1::admin_service_client::AdminServiceClient;
use exposure_proto::v1::exposure_query_service_client::ExposureQueryServiceClient;
use exposure_proto::v1::property_service_client::PropertyServiceClient;
use exposure_proto::v1::usage_service_client::UsageServiceClient;
use exposure_service::Scope;
use tonic::Code;

use crate::world::{START_US, World, exposure, field, keyed, with_key};

const HOUR_US: i64 = 3_600_000_000;

fn at(event: v1::Event, time_us: i64) -> v1::Event {
    v1::Event { time_us: Some(time_us), ..event }
}

/// Alice sees `on`, later `off`, and says so twice; Bob sees `on`; a device is Bob's.
async fn told(world: &World) {
    let day = START_US - 24 * HOUR_US;
    let repeated = v1::Event {
        insert_id: Some("i-1".into()),
        ..at(exposure("alice", "f", Some("off")), day + HOUR_US)
    };
    let device = v1::Event {
        device_id: Some("phone".into()),
        ..at(exposure("bob", "f", Some("on")), day + 2 * HOUR_US)
    };
    let request = v1::IngestRequest {
        events: vec![
            at(exposure("alice", "f", Some("on")), day),
            repeated.clone(),
            repeated,
            device,
            exposure("none", "f", Some("on")),
        ],
        library: Some("tests/1.0".into()),
        ..Default::default()
    };
    let outcomes = world.ingest().await.ingest(keyed(request)).await.unwrap().into_inner().outcomes;
    assert_eq!(outcomes.len(), 5);
}

#[tokio::test]
async fn properties_are_read_by_user_and_by_device() {
    let world = World::new().await;
    told(&world).await;
    let mut client = PropertyServiceClient::new(world.channel().await);
    let request =
        v1::GetUserPropertiesRequest { user_id: Some("alice".into()), ..Default::default() };
    let answer = client.get_user_properties(keyed(request)).await.unwrap().into_inner();
    assert!(!answer.position.is_empty());
    let alice = answer.user_properties.unwrap();
    assert_eq!(alice.profile, "user:alice");
    let [property] = alice.properties.as_slice() else { panic!("{alice:?}") };
    assert_eq!((&*property.flag_key, &*property.variant), ("f", "off"));
    let refs = vec![
        v1::ProfileRef { device_id: Some("phone".into()), ..Default::default() },
        v1::ProfileRef { user_id: Some("nobody".into()), ..Default::default() },
    ];
    let request = v1::BatchGetUserPropertiesRequest { profiles: refs };
    let answer = client.batch_get_user_properties(keyed(request)).await.unwrap().into_inner();
    let seen: Vec<_> =
        answer.user_properties.iter().map(|of| (&*of.profile, of.properties.len())).collect();
    assert_eq!(seen, [("user:bob", 1), ("user:nobody", 0)]);
    let nobody = v1::GetUserPropertiesRequest::default();
    let status = client.get_user_properties(keyed(nobody)).await.unwrap_err();
    assert_eq!(
        (status.code(), field(&status).as_deref()),
        (Code::InvalidArgument, Some("user_id"))
    );
}

#[tokio::test]
async fn exposures_are_counted_listed_and_explained() {
    let world = World::new().await;
    told(&world).await;
    let mut client = ExposureQueryServiceClient::new(world.channel().await);
    let answer = client.list_flags(keyed(v1::ListFlagsRequest::default())).await.unwrap();
    let [flag] = &answer.into_inner().flags[..] else { panic!() };
    assert_eq!((&*flag.flag_key, flag.profile_count, flag.jumper_count), ("f", 2, 1));
    let variants: Vec<_> = flag
        .variants
        .iter()
        .map(|of| (&*of.variant, of.profile_count, of.exposure_count))
        .collect();
    assert_eq!(variants, [("off", 1, 1), ("on", 2, 2)]);

    let request = v1::GetFlagExposuresRequest {
        flag_key: "f".into(),
        interval: v1::Interval::Hour.into(),
        page_size: 2,
        ..Default::default()
    };
    let first = client.get_flag_exposures(keyed(request.clone())).await.unwrap().into_inner();
    assert_eq!((first.profile_count, first.jumper_count, first.buckets.len()), (2, 1, 2));
    assert!(!first.next_page_token.is_empty());
    let request = v1::GetFlagExposuresRequest { page_token: first.next_page_token, ..request };
    let rest = client.get_flag_exposures(keyed(request)).await.unwrap().into_inner();
    let [bucket] = &rest.buckets[..] else { panic!("{rest:?}") };
    let on = bucket.variants.iter().find(|of| of.variant == "on").unwrap();
    assert_eq!((on.new_profile_count, on.cumulative_profile_count, on.exposure_count), (1, 2, 1));

    let request = v1::ListProfilesRequest {
        flag_key: "f".into(),
        basis: v1::ProfileBasis::Exposure.into(),
        ..Default::default()
    };
    let answer = client.list_profiles(keyed(request)).await.unwrap().into_inner();
    let mut seen: Vec<_> = answer
        .profiles
        .iter()
        .map(|entry| (&*entry.profile, &*entry.variant, entry.exposure_count))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [("user:alice", "off", 1), ("user:alice", "on", 1), ("user:bob", "on", 1)]);

    let request = v1::ExplainRequest {
        user_id: Some("alice".into()),
        flag_key: "f".into(),
        ..Default::default()
    };
    let answer = client.explain(keyed(request)).await.unwrap().into_inner();
    assert_eq!((&*answer.profile, answer.variant.as_deref()), ("user:alice", Some("off")));
    let decided = answer.decided_by.unwrap();
    assert_eq!(decided.insert_id.as_deref(), Some("i-1"));
    assert_eq!((&*decided.event_kind, decided.library.as_deref()), ("exposure", Some("tests/1.0")));
    assert!(decided.receive_time_us.is_some() && decided.key_id.is_some());
    let [lost] = &answer.lost[..] else { panic!("{:?}", answer.lost) };
    assert_eq!(lost.reason(), v1::LostReason::Older);
    assert_eq!(answer.duplicates.unwrap().duplicate_count, 1);
}

#[tokio::test]
async fn usage_is_exact() {
    let world = World::new().await;
    told(&world).await;
    let mut client = UsageServiceClient::new(world.channel().await);
    let request = v1::GetUsageRequest { start_day: "2026-06-01".into(), ..Default::default() };
    let answer = client.get_usage(keyed(request)).await.unwrap().into_inner();
    let [row] = &answer.rows[..] else { panic!("{answer:?}") };
    assert_eq!((&*row.day, &*row.kind, &*row.library), ("2026-06-01", "exposure", "tests/1.0"));
    assert_eq!((&*row.event_type, row.event_count), ("[Experiment] Exposure", 3));
    assert_eq!(row.billable_count, 0);
    let request = v1::GetUsageRequest { end_day: "2026-05-31".into(), ..Default::default() };
    assert_eq!(client.get_usage(keyed(request)).await.unwrap().into_inner().rows, []);
}

#[tokio::test]
async fn projects_and_keys_are_administered() {
    let world = World::new().await;
    let mut client = AdminServiceClient::new(world.channel().await);
    let settings = v1::ProjectSettings { max_flag_count: Some(1), ..Default::default() };
    let request = v1::CreateProjectRequest {
        project_id: "shop".into(),
        settings: Some(settings),
        ..Default::default()
    };
    let answer = client.create_project(keyed(request.clone())).await.unwrap().into_inner();
    assert_eq!(answer.project.unwrap().settings.unwrap().max_flag_count, Some(1));
    for settings in [
        v1::ProjectSettings { max_flag_count: Some(-1), ..settings },
        v1::ProjectSettings { min_id_length: Some(0), ..settings },
        v1::ProjectSettings { max_future_skew_ms: Some(i64::MAX), ..settings },
        v1::ProjectSettings { max_device_user_count: Some(5), ..settings },
    ] {
        let request = v1::CreateProjectRequest {
            project_id: "refused".into(),
            settings: Some(settings),
            ..request.clone()
        };
        let status = client.create_project(keyed(request)).await.unwrap_err();
        assert!(field(&status).unwrap().starts_with("settings."), "{status:?}");
        if settings.max_device_user_count.is_some() {
            assert!(status.message().contains("`max_device_users`"), "says what to do: {status:?}");
        }
    }
    let answer = client.list_projects(keyed(v1::ListProjectsRequest::default())).await.unwrap();
    let names: Vec<_> =
        answer.into_inner().projects.into_iter().map(|project| project.project_id).collect();
    assert_eq!(names, ["default", "shop"]);

    let request = v1::CreateApiKeyRequest {
        project_id: "shop".into(),
        display_name: "web".into(),
        scopes: vec![v1::Scope::Ingest.into(), v1::Scope::Admin.into()],
    };
    let created = client.create_api_key(keyed(request)).await.unwrap().into_inner();
    let (key, secret) = (created.api_key.unwrap(), created.secret);
    assert_eq!((&*key.project_id, key.scopes.len(), key.revoke_time_us), ("shop", 2, None));

    // The key of the shop: its flags, its limit, its rejects, and nobody else's.
    let event = |flag: &str| v1::IngestRequest {
        events: vec![exposure("u", flag, Some("on"))],
        library: Some("shop/1".into()),
        ..Default::default()
    };
    let mut ingest = world.ingest().await;
    ingest.ingest(with_key(event("f"), &secret)).await.unwrap();
    ingest.ingest(with_key(event("g"), &secret)).await.unwrap();
    let request = v1::ListRejectedEventsRequest::default();
    let answer = client.list_rejected_events(with_key(request.clone(), &secret)).await.unwrap();
    let [rejected] = &answer.into_inner().events[..] else { panic!() };
    assert_eq!(rejected.code(), v1::ErrorCode::FlagLimit);
    assert_eq!((rejected.flag_key.as_deref(), rejected.user_id.as_deref()), (Some("g"), Some("u")));
    assert_eq!((&*rejected.key_id, &*rejected.library), (&*key.key_id, "shop/1"));
    let answer = client.list_rejected_events(keyed(request)).await.unwrap().into_inner();
    assert_eq!(answer.events, []);
    let request = v1::ListSendersRequest::default();
    let answer = client.list_senders(with_key(request, &secret)).await.unwrap().into_inner();
    let [sender] = &answer.senders[..] else { panic!("{answer:?}") };
    assert_eq!((sender.received_count, sender.accepted_count, sender.rejected_count), (2, 1, 1));
    assert!(START_US < sender.last_receive_time_us);
    assert_eq!(sender.rejected_counts[0].code(), v1::ErrorCode::FlagLimit);

    let request = v1::RetireFlagRequest { flag_key: "f".into() };
    let answer = client.retire_flag(with_key(request.clone(), &secret)).await.unwrap();
    assert_eq!(answer.into_inner().flag_count, 0);
    let status = client.retire_flag(keyed(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);

    let request = v1::ListApiKeysRequest { project_id: "shop".into(), ..Default::default() };
    let keys = client.list_api_keys(keyed(request)).await.unwrap().into_inner().api_keys;
    assert_eq!(keys, std::slice::from_ref(&key));
    let request = v1::RevokeApiKeyRequest { key_id: key.key_id };
    let revoked = client.revoke_api_key(keyed(request)).await.unwrap().into_inner();
    assert!(revoked.api_key.unwrap().revoke_time_us.is_some());
    let status = ingest.ingest(with_key(event("f"), &secret)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn users_are_erased_and_the_server_tells_of_itself() {
    let world = World::new().await;
    let mut client = AdminServiceClient::new(world.channel().await);
    let mut hash = async || {
        let request = keyed(v1::GetStateHashRequest {});
        client.get_state_hash(request).await.unwrap().into_inner().state_hash
    };
    let empty = hash().await;
    assert_eq!(empty.len(), 16);
    told(&world).await;
    assert_ne!(hash().await, empty);
    let request = v1::EraseUserRequest { user_id: "bob".into() };
    let answer = client.erase_user(keyed(request)).await.unwrap().into_inner();
    assert!(answer.erase_time_us > START_US);
    assert_eq!(answer.device_count, 1);
    let outcomes = world.send(vec![at(exposure("bob", "f", Some("on")), START_US)]).await;
    let Some(v1::event_outcome::Result::Rejected(rejected)) = &outcomes[0].result else { panic!() };
    assert_eq!(rejected.code(), v1::ErrorCode::Erased);

    let key = world.key(&[Scope::Admin]).await;
    let info = client.get_server_info(with_key(v1::GetServerInfoRequest {}, &key)).await;
    let info = info.unwrap().into_inner();
    assert_eq!((&*info.version, &*info.store), ("1.2.3", "memory"));
    assert_eq!((&*info.effects, &*info.dedupe), ("exact", "exact"));
    assert_eq!((&*info.usage, &*info.feed), ("at once", "every change"));
    assert_eq!((info.max_request_bytes, info.max_batch_event_count), (16 << 20, 10_000));
}
