//! Accounts of clients, sent along with batches.

use exposure_proto::v1;
use exposure_proto::v1::admin_service_client::AdminServiceClient;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::ingest_stream_response::Message;
use exposure_service::Scope;

use crate::world::{START_US, World, exposure, keyed, with_key};

fn account(
    client_id: &str,
    [delivered, deduplicated, dropped, pending]: [i64; 4],
) -> v1::ClientAccount {
    let by_reason =
        |count| vec![v1::DroppedCount { reason: v1::DropReason::Expired.into(), count }];
    v1::ClientAccount {
        client_id: client_id.into(),
        tracked_count: delivered + deduplicated + dropped + pending,
        delivered_count: delivered,
        deduplicated_count: deduplicated,
        dropped_counts: by_reason(dropped),
        pending_count: pending,
        recovered_count: 0,
        providers: vec![v1::ProviderAccount {
            name: "exposure".into(),
            required: true,
            offered_count: delivered + dropped + pending,
            delivered_count: delivered,
            dropped_counts: by_reason(dropped),
            pending_count: pending,
        }],
    }
}

fn request(account: v1::ClientAccount) -> v1::IngestRequest {
    v1::IngestRequest {
        events: vec![exposure(&account.client_id, "f", Some("on"))],
        library: Some("shop/1".into()),
        client_account: Some(account),
        ..Default::default()
    }
}

async fn senders(world: &World) -> Vec<v1::Sender> {
    let mut admin = AdminServiceClient::new(world.channel().await);
    admin.list_senders(keyed(v1::ListSendersRequest::default())).await.unwrap().into_inner().senders
}

#[tokio::test]
async fn accounts_of_two_clients_are_read_as_one_sender() {
    let world = World::new().await;
    world.send(vec![exposure("ann", "f", Some("on"))]).await;
    assert_eq!(senders(&world).await[0].account, None);

    // Any key that may send events may report.
    let key = world.key(&[Scope::Ingest]).await;
    let mut ingest = world.ingest().await;
    for account in [account("a", [1, 0, 0, 2]), account("b", [5, 1, 2, 0])] {
        ingest.ingest(with_key(request(account), &key)).await.unwrap();
    }
    // The first client goes on over a stream; its later account is sent before an earlier one.
    let batches = [account("a", [3, 1, 0, 0]), account("a", [2, 0, 0, 1])].map(request);
    let messages = (1_i64..)
        .zip(batches)
        .map(|(batch_id, batch)| v1::IngestStreamRequest { batch_id, batch: Some(batch) });
    let messages = tokio_stream::iter(messages.collect::<Vec<_>>());
    let mut answers = ingest.ingest_stream(with_key(messages, &key)).await.unwrap().into_inner();
    let mut n_acknowledged = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        n_acknowledged += i32::from(matches!(answer.message, Some(Message::Acknowledgement(_))));
    }
    assert_eq!(n_acknowledged, 2);

    let senders = senders(&world).await;
    let [_, sender] = &senders[..] else { panic!("{senders:?}") };
    assert_eq!((&*sender.library, sender.received_count), ("shop/1", 4));
    let mut found = sender.account.clone().unwrap();
    assert!(START_US < std::mem::take(&mut found.last_report_time_us));
    let by_reason = vec![v1::DroppedCount { reason: v1::DropReason::Expired.into(), count: 2 }];
    let expected = v1::SenderAccount {
        client_count: 2,
        evicted_client_count: 0,
        ignored_account_count: 0,
        last_report_time_us: 0,
        tracked_count: 12,
        delivered_count: 8,
        deduplicated_count: 2,
        dropped_count: 2,
        dropped_counts: by_reason.clone(),
        pending_count: 0,
        recovered_count: 0,
        loss_share: 2.0 / 12.0,
        providers: vec![v1::ProviderAccount {
            name: "exposure".into(),
            required: true,
            offered_count: 10,
            delivered_count: 8,
            dropped_counts: by_reason,
            pending_count: 0,
        }],
    };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn no_account_costs_an_event() {
    let world = World::new().await;
    let mut ingest = world.ingest().await;
    let good = account("a", [1, 0, 1, 0]);
    let endless = vec![v1::DroppedCount::default(); 100_000];
    let cases = [
        v1::ClientAccount::default(),
        v1::ClientAccount { tracked_count: 7, ..good.clone() },
        v1::ClientAccount { pending_count: -1, ..good.clone() },
        v1::ClientAccount { client_id: "a".repeat(1 << 20), ..good.clone() },
        v1::ClientAccount { dropped_counts: endless, ..good.clone() },
    ];
    let n_cases = cases.len() as i64;
    for account in cases {
        let request = v1::IngestRequest {
            events: vec![exposure("ann", "f", Some("on"))],
            client_account: Some(account),
            ..Default::default()
        };
        let outcomes = ingest.ingest(keyed(request)).await.unwrap().into_inner().outcomes;
        assert!(matches!(outcomes[0].result, Some(Outcome::Accepted(_))), "{outcomes:?}");
    }
    // A reason of a later version is another reason, and an account needs no events.
    let later = vec![v1::DroppedCount { reason: 1000, count: 1 }];
    let request = v1::IngestRequest {
        client_account: Some(v1::ClientAccount { dropped_counts: later, ..good }),
        ..Default::default()
    };
    assert_eq!(ingest.ingest(keyed(request)).await.unwrap().into_inner().outcomes, []);
    let account = senders(&world).await.remove(0).account.unwrap();
    assert_eq!((account.ignored_account_count, account.client_count), (n_cases, 1));
    let other = v1::DroppedCount { reason: v1::DropReason::Unspecified.into(), count: 1 };
    assert_eq!(account.dropped_counts, [other]);
}
