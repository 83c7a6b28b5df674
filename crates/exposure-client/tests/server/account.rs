//! What a server tells of the losses of its senders is what their clients say of themselves.

use std::time::Duration;

use exposure_client::provider::{GrpcProvider, MemoryProvider, Reply, SendError};
use exposure_client::{DropReason, ExposureClient, InMemorySource, User, Variant};
use exposure_proto::v1;
use exposure_proto::v1::admin_service_client::AdminServiceClient;
use exposure_testkit::TestServer;
use tonic::Request;
use tonic::transport::Endpoint;

/// The account of the sender with this library, if any client of it told one.
fn told(server: &TestServer, library: &str) -> Option<v1::SenderAccount> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async {
        let endpoint = Endpoint::from_shared(server.grpc()).unwrap();
        let mut admin = AdminServiceClient::new(endpoint.connect_lazy());
        let mut request = Request::new(v1::ListSendersRequest::default());
        let key = format!("Bearer {}", TestServer::KEY).parse().unwrap();
        request.metadata_mut().insert("authorization", key);
        admin.list_senders(request).await.unwrap().into_inner()
    });
    answer.senders.into_iter().find(|sender| sender.library == library)?.account
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap()
}

#[test]
fn the_server_tells_what_was_lost_on_the_way_to_it() {
    let server = TestServer::start().unwrap();
    for is_streaming in [true, false] {
        let library = format!("app/{is_streaming}");
        let source = InMemorySource::new();
        source.set("checkout", Variant::new("on"));
        let builder = GrpcProvider::builder(server.grpc()).api_key(TestServer::KEY);
        let builder = if is_streaming { builder } else { builder.unary() };
        let dead = MemoryProvider::named("dead");
        dead.always(|_| Reply::Fail(SendError::unavailable("down")));
        let client = ExposureClient::builder(source)
            .linger(Duration::ZERO)
            .queue_events(40)
            .provider(builder.library(&*library).build().unwrap())
            .best_effort(dead)
            .build()
            .unwrap();
        // A text that is too long, and repeats.
        for number in 0..60 {
            client.variant(&User::new(format!("user-{number}")), "checkout");
            client.variant(&User::new("user-0"), "checkout");
            if number % 10 == 0 {
                client.variant(&User::new("x".repeat(2000)), "checkout");
                assert!(client.blocking().flush().account.closes());
            }
        }
        let report = client.blocking().shutdown(Duration::from_secs(5));
        let account = &report.account;
        assert!(account.closes() && 0 < account.deduplicated, "{account:?}");
        assert_eq!(account.dropped.get(DropReason::Invalid), 6);

        let told = told(&server, &library).unwrap();
        assert_eq!((told.client_count, told.ignored_account_count), (1, 0), "{told:?}");
        assert_eq!(count(told.tracked_count), account.tracked);
        assert_eq!(count(told.delivered_count), account.delivered);
        assert_eq!(count(told.deduplicated_count), account.deduplicated);
        assert_eq!(count(told.dropped_count), account.dropped.total());
        assert_eq!(told.pending_count, 0, "the last report says how it ended");
        let grpc = told.providers.iter().find(|provider| provider.name == "grpc").unwrap();
        assert_eq!(count(grpc.delivered_count), account.delivered);
        assert!(grpc.required);
        let dead = told.providers.iter().find(|provider| provider.name == "dead").unwrap();
        assert_eq!((dead.delivered_count, dead.required), (0, false));
    }
}
