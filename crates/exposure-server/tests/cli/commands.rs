//! The commands that talk to a server.

use exposure_proto::v1;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use serde_json::{Value, json};
use tonic::Request;
use tonic::transport::Endpoint;

use crate::process::{Server, exposure, run};

fn track(server: &Server, user: &str, variant: &str) {
    server.output(&["track", "--user", user, "--flag", "f", "--variant", variant]);
}

#[test]
fn the_feed_goes_on_behind_a_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    track(&server, "user-1", "on");
    let lines = |args: &[&str]| -> Vec<Value> {
        let output = server.output(&[args, &["--json"]].concat());
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let snapshot = lines(&["tail", "--snapshot", "--limit", "2"]);
    assert_eq!(snapshot[0]["profile"], "user:user-1");
    assert_eq!(snapshot[0]["variant"], "on");
    assert_eq!(
        (&snapshot[1]["entry"], &snapshot[1]["entries"]),
        (&json!("snapshot_done"), &json!(1))
    );
    track(&server, "user-2", "on");
    track(&server, "user-1", "off");
    let mut cursor = snapshot[1]["cursor"].as_str().unwrap().to_owned();
    for (user, variant) in [("user:user-2", "on"), ("user:user-1", "off")] {
        let entries = lines(&["tail", "--cursor", &cursor, "--limit", "1"]);
        assert_eq!(
            (&entries[0]["profile"], &entries[0]["variant"]),
            (&json!(user), &json!(variant))
        );
        entries[0]["cursor"].as_str().unwrap().clone_into(&mut cursor);
    }
    let (code, _, stderr) = run(&mut server.command(&["tail", "--cursor", "zz"]));
    assert_eq!(code, 2, "{stderr}");
}

#[test]
fn keys_are_made_and_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(&dir.path().join("data"));
    let key = server.json(&["keys", "create", "--scope", "read", "--name", "reports"]);
    assert_eq!((&key["scopes"], &key["name"]), (&json!(["read"]), &json!("reports")));
    let number = key["key_id"].as_str().unwrap();

    let admin = std::mem::replace(&mut server.key, key["secret"].as_str().unwrap().to_owned());
    server.output(&["user", "--user", "user-1"]);
    let track = ["track", "--user", "user-1", "--flag", "f", "--variant", "on"];
    let (code, _, stderr) = run(&mut server.command(&track));
    assert_eq!(code, 1);
    assert!(stderr.starts_with("exposure: PERMISSION_DENIED: "), "{stderr}");

    let reader = std::mem::replace(&mut server.key, admin);
    let revoked = server.json(&["keys", "revoke", number]);
    assert!(revoked["keys"][0]["revoked"].is_string(), "{revoked}");
    assert_eq!(server.json(&["keys", "list"])["keys"].as_array().unwrap().len(), 2);
    server.key = reader;
    let (code, _, stderr) = run(&mut server.command(&["user", "--user", "user-1"]));
    assert_eq!(code, 1);
    assert!(stderr.starts_with("exposure: UNAUTHENTICATED: "), "{stderr}");
}

#[test]
fn lists_and_exports_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    for (user, variant) in [("user-1", "on"), ("user-2", "on"), ("user-1", "off")] {
        track(&server, user, variant);
    }
    let bad = ["track", "--user", "user-1", "--flag", "", "--variant", "on", "--json"];
    let (code, stdout, _) = run(&mut server.command(&bad));
    assert_eq!(code, 1);
    assert!(stdout.contains("\"outcome\":\"rejected\""), "{stdout}");

    let flags = server.json(&["flags"]);
    assert_eq!(flags["flags"][0]["profiles"], 2);
    assert_eq!(flags["flags"][0]["jumpers"], 1);
    assert_eq!(flags["flags"][0]["variants"]["on"]["profiles"], 2);
    let senders = server.json(&["flags", "--senders"]);
    assert_eq!(
        (&senders["senders"][0]["accepted"], &senders["senders"][0]["rejected"]),
        (&json!(3), &json!(1))
    );
    let export = |what| {
        let mut lines: Vec<Value> = server
            .output(&["export", what])
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        lines.sort_by_key(ToString::to_string);
        lines
    };
    let variants: Vec<_> =
        export("properties").into_iter().map(|it| it["variant"].clone()).collect();
    assert_eq!(variants.len(), 2);
    assert!(variants.contains(&json!("off")) && variants.contains(&json!("on")));
    assert_eq!(export("exposures").len(), 3);
    assert_eq!(export("rejected")[0]["field"], "flag_key");
    assert_eq!(export("usage")[0]["events"], 3);
}

#[test]
fn losses_before_the_server_are_listed_by_sender() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    track(&server, "user-1", "on");
    let senders = server.json(&["flags", "--senders"]);
    assert_eq!(senders["senders"][0]["account"], Value::Null);
    assert!(!server.output(&["flags", "--senders"]).contains("loss"));

    // A request may have an account and no events.
    let dropped = v1::DroppedCount { reason: v1::DropReason::QueueFull.into(), count: 1 };
    let account = v1::ClientAccount {
        client_id: "a".to_owned(),
        tracked_count: 10,
        delivered_count: 6,
        deduplicated_count: 1,
        dropped_counts: vec![dropped],
        pending_count: 2,
        providers: vec![v1::ProviderAccount {
            name: "exposure".to_owned(),
            required: true,
            offered_count: 9,
            delivered_count: 6,
            dropped_counts: vec![dropped],
            pending_count: 2,
        }],
        ..Default::default()
    };
    let nonsense =
        v1::ClientAccount { client_id: "b".to_owned(), tracked_count: -1, ..account.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let channel = Endpoint::from_shared(server.grpc.clone()).unwrap().connect().await.unwrap();
        let mut ingest = IngestServiceClient::new(channel);
        for account in [account, nonsense] {
            let mut request = Request::new(v1::IngestRequest {
                library: Some("shop/1".to_owned()),
                client_account: Some(account),
                ..Default::default()
            });
            request.metadata_mut().insert("x-api-key", server.key.parse().unwrap());
            assert_eq!(ingest.ingest(request).await.unwrap().into_inner().outcomes, []);
        }
    });
    let senders = server.json(&["flags", "--senders"]);
    let sender = &senders["senders"][1];
    assert_eq!((&sender["library"], &sender["received"]), (&json!("shop/1"), &json!(0)));
    assert_eq!(sender["last_received"], Value::Null);
    let mut account = sender["account"].clone();
    assert!(account["last_report"].take().is_string(), "{sender}");
    let expected = json!({
        "clients": 1,
        "evicted_clients": 0,
        "ignored_accounts": 1,
        "last_report": null,
        "tracked": 10,
        "delivered": 6,
        "deduplicated": 1,
        "dropped": 1,
        "dropped_by_reason": {"queue_full": 1},
        "pending": 2,
        "recovered": 0,
        "loss_share": 0.125,
        "providers": {
            "exposure": {
                "required": true,
                "offered": 9,
                "delivered": 6,
                "dropped_by_reason": {"queue_full": 1},
                "pending": 2,
            },
        },
    });
    assert_eq!(account, expected);
    let table = server.output(&["flags", "--senders"]);
    let [.., headings, line] = &table.lines().collect::<Vec<_>>()[..] else { panic!("{table}") };
    assert!(headings.starts_with("sender  clients  tracked"), "{table}");
    assert!(line.contains("12.50%") && line.contains("queue_full 1"), "{table}");
    assert!(line.ends_with("(accounts ignored 1)"), "{table}");
}

#[test]
fn what_can_not_be_asked_is_told_in_one_line() {
    for (args, code, expected) in [
        (&["user", "--user", "u"][..], 2, "no API key"),
        (&["user", "--api-key", "k"], 2, "nobody is named"),
        (
            &["user", "--user", "u", "--api-key", "k", "--server", "ftp://x"],
            2,
            "`ftp://x` is no server",
        ),
        (
            &["user", "--user", "u", "--api-key", "k", "--server", "127.0.0.1:1"],
            1,
            "can not reach http://127.0.0.1:1",
        ),
        (&["track", "--user", "u", "--flag", "f", "--time", "soon"], 2, "RFC 3339"),
        (
            &[
                "import",
                "--format",
                "amplitude",
                "missing.json",
                "--api-key",
                "k",
                "--server",
                "127.0.0.1:1",
            ],
            1,
            "can not reach",
        ),
        (&["nonsense"], 2, "unrecognized subcommand"),
        (&[], 2, "Usage"),
    ] {
        let (found, stdout, stderr) = run(&mut exposure(args));
        assert_eq!((found, stdout.as_str()), (code, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
}
