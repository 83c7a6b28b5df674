//! The first start, the second, and what lies between.

use serde_json::json;

use crate::process::Server;

#[test]
fn the_first_start_says_what_to_do_next_and_that_works() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::start_with(&data, &[]);
    let banner = server.read_until("  exposure user");
    for expected in ["project `default`", "shown this once", "EXPOSURE_API_KEY=", "exposure track"]
    {
        assert!(banner.contains(expected), "{expected} is missing:\n{banner}");
    }
    let key = banner.lines().find_map(|line| line.strip_prefix("  API key  ")).unwrap();
    key.clone_into(&mut server.key);

    let export = banner.lines().find(|line| line.starts_with("  export ")).unwrap();
    assert_eq!(
        export.trim(),
        format!("export EXPOSURE_SERVER={} EXPOSURE_API_KEY={key}", server.grpc)
    );
    let next = banner.lines().find(|line| line.starts_with("  exposure track")).unwrap();
    let args: Vec<_> = next.split_whitespace().skip(1).collect();
    assert_eq!(server.output(&args), "accepted checkout: set\n");
    let expected = json!({"profile": "user:user-1", "properties": {"[Experiment] checkout": "on"}});
    assert_eq!(server.json(&["user", "--user", "user-1"]), expected);
    assert!(!server.log().contains(key), "the key is in the log");

    let key = server.key.clone();
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.stop(), 0);
    let mut server = Server::start_with(&data, &[]);
    server.key = key;
    assert_eq!(server.json(&["user", "--user", "user-1"]), expected);
    assert_eq!(server.stop(), 0);
}

#[test]
fn track_user_and_explain_agree_and_outlive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::start(&data);
    let track = |server: &Server, variant: &str, time: &str, id: &str| {
        let whom =
            ["track", "--user", "u", "--device", "d", "--flag", "f", "--experiment-key", "run"];
        server
            .json(&[&whom[..], &["--variant", variant, "--time", time, "--insert-id", id]].concat())
    };
    let effect = |effect| json!({"outcome": "accepted", "effects": [{"flag_key": "f", "effect": effect}], "notes": []});
    assert_eq!(track(&server, "on", "2026-01-02T00:00:00Z", "i-2"), effect("set"));
    assert_eq!(track(&server, "off", "1767225600000", "i-1"), effect("stale"));
    for _ in 0..2 {
        let duplicate = json!({"outcome": "duplicate", "conflict": false});
        assert_eq!(track(&server, "on", "2026-01-02T00:00:00Z", "i-2"), duplicate);
        server.kill();
        server = Server::start(&data);
        let properties = server.json(&["user", "--device", "d"]);
        assert_eq!(
            properties,
            json!({"profile": "user:u", "properties": {"[Experiment] f": "on"}})
        );
    }
    let explained = server.json(&["explain", "--user", "u", "--flag", "f"]);
    assert_eq!(explained["variant"], "on");
    assert_eq!(explained["decided_by"]["insert_id"], "i-2");
    assert_eq!(explained["decided_by"]["time"], "2026-01-02T00:00:00Z");
    assert_eq!(explained["lost"][0]["write"]["variant"], "off");
    assert_eq!(explained["lost"][0]["reason"], "stale");
    assert_eq!(explained["duplicates"]["count"], 2);
    let text = server.output(&["explain", "--user", "u", "--flag", "f"]);
    assert!(text.starts_with("[Experiment] f of user:u is `on`\n"), "{text}");
}
