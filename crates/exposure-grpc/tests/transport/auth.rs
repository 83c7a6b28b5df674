//! Who may call what.

use bytes::Bytes;
use exposure_proto::codec::RawBytes;
use exposure_service::Scope;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::world::{World, reason, with_key};

pub(crate) const METHODS: [(&str, Scope); 19] = [
    ("IngestService/Ingest", Scope::Ingest),
    ("PropertyService/GetUserProperties", Scope::Read),
    ("PropertyService/BatchGetUserProperties", Scope::Read),
    ("ExposureQueryService/ListFlags", Scope::Read),
    ("ExposureQueryService/GetFlagExposures", Scope::Read),
    ("ExposureQueryService/ListProfiles", Scope::Read),
    ("ExposureQueryService/Explain", Scope::Read),
    ("UsageService/GetUsage", Scope::Read),
    ("AdminService/CreateProject", Scope::Admin),
    ("AdminService/ListProjects", Scope::Admin),
    ("AdminService/CreateApiKey", Scope::Admin),
    ("AdminService/ListApiKeys", Scope::Admin),
    ("AdminService/RevokeApiKey", Scope::Admin),
    ("AdminService/ListRejectedEvents", Scope::Admin),
    ("AdminService/ListSenders", Scope::Admin),
    ("AdminService/RetireFlag", Scope::Admin),
    ("AdminService/EraseUser", Scope::Admin),
    ("AdminService/GetStateHash", Scope::Admin),
    ("AdminService/GetServerInfo", Scope::Admin),
];

pub(crate) const STREAMS: [(&str, Scope); 2] = [
    ("IngestService/IngestStream", Scope::Ingest),
    ("PropertyService/WatchUserProperties", Scope::Read),
];

/// Calls a method with one message of given bytes, whatever it is.
pub(crate) async fn call(
    channel: &Channel,
    method: &str,
    request: Request<Bytes>,
) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path: PathAndQuery = format!("/exposure.v1.{method}").parse().unwrap();
    grpc.unary(request, path, RawBytes).await.map(tonic::Response::into_inner)
}

/// What a stream says first. It is left open by the client.
pub(crate) async fn first_of_stream(
    channel: &Channel,
    method: &str,
    request: Request<Bytes>,
) -> Result<Option<Bytes>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path: PathAndQuery = format!("/exposure.v1.{method}").parse().unwrap();
    let mut answers = grpc.server_streaming(request, path, RawBytes).await?.into_inner();
    answers.message().await
}

#[tokio::test]
async fn each_method_needs_its_scope() {
    let world = World::new().await;
    let channel = world.channel().await;
    for held in Scope::ALL {
        let key = world.key(&[held]).await;
        for (method, needed) in METHODS {
            let answer = call(&channel, method, with_key(Bytes::new(), &key)).await;
            let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
            let denied = code == Code::PermissionDenied;
            assert_eq!(denied, held != needed, "{method} with {held:?}: {answer:?}");
            assert_ne!(code, Code::Unauthenticated, "{method} with {held:?}");
            if let Err(status) = &answer {
                reason(status);
            }
        }
        for (method, needed) in STREAMS {
            if held != needed {
                let answer = first_of_stream(&channel, method, with_key(Bytes::new(), &key)).await;
                assert_eq!(answer.unwrap_err().code(), Code::PermissionDenied, "{method}");
            }
        }
    }
}

#[tokio::test]
async fn no_wrong_or_revoked_key_opens_anything() {
    let world = World::new().await;
    let channel = world.channel().await;
    let (revoked_id, revoked) = world.key_of("", &Scope::ALL).await;
    let id = exposure_store::KeyId(revoked_id.parse().unwrap());
    let admin = world.handle.authenticate(crate::world::KEY).unwrap();
    world.handle.revoke_api_key(&admin, id).await.unwrap();
    let header = |name: &'static str, value: &str| {
        let mut request = Request::new(Bytes::new());
        request.metadata_mut().insert(name, value.parse().unwrap());
        request
    };
    let requests = || {
        [
            Request::new(Bytes::new()),
            with_key(Bytes::new(), "wrong"),
            with_key(Bytes::new(), ""),
            with_key(Bytes::new(), &revoked),
            header("authorization", crate::world::KEY),
            header("authorization", &format!("Basic {}", crate::world::KEY)),
            header("x-api-key", "wrong"),
            header("x-api-key", &revoked),
        ]
    };
    for (method, _) in METHODS {
        for request in requests() {
            let metadata = request.metadata().clone();
            let status = call(&channel, method, request).await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{method} {metadata:?}");
            assert_eq!(reason(&status), "UNAUTHENTICATED");
        }
    }
    for (method, _) in STREAMS {
        for request in requests() {
            let status = first_of_stream(&channel, method, request).await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{method}");
            assert_eq!(reason(&status), "UNAUTHENTICATED");
        }
    }
}

#[tokio::test]
async fn both_headers_carry_the_key() {
    let world = World::new().await;
    let channel = world.channel().await;
    for (name, value) in [
        ("authorization", format!("Bearer {}", crate::world::KEY)),
        ("authorization", format!("bearer  {} ", crate::world::KEY)),
        ("x-api-key", crate::world::KEY.to_owned()),
    ] {
        let mut request = Request::new(Bytes::new());
        request.metadata_mut().insert(name, value.parse().unwrap());
        call(&channel, "UsageService/GetUsage", request).await.unwrap();
    }
}
