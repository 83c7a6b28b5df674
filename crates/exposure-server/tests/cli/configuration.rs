//! Where settings come from, and one clear line for each that can not be.

use std::fs;
use std::net::TcpListener;

use crate::process::{Server, exposure, run};

#[test]
fn print_config_shows_where_each_value_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("exposure.toml");
    fs::write(
        &file,
        "memory_limit = \"2GiB\"\nmax_calls = 77\nretention = \"30d\"\nlog = \"warn\"\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let mut command = exposure(&["serve", "--print-config", "--config", file, "--log", "debug"]);
    command.env("EXPOSURE_RETENTION", "90d").env("EXPOSURE_API_KEY", "a-key-that-is-not-shown");
    command.env("EXPOSURE_LOG", "error").env("EXPOSURE_DRAIN", "");
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let row = |name: &str| {
        let line = stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.unwrap().split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("log"), "\"debug\" --log");
    assert_eq!(row("retention"), "\"90d\" EXPOSURE_RETENTION");
    assert_eq!(row("memory_limit"), format!("\"2GiB\" {file}"));
    assert_eq!(row("max_calls"), format!("\"77\" {file}"));
    assert_eq!(row("drain"), "\"10s\" default");
    assert_eq!(row("api_key"), "(given) EXPOSURE_API_KEY");
    assert!(!stdout.contains("a-key"), "{stdout}");

    let (code, help, _) = run(&mut exposure(&["serve", "--help"]));
    assert_eq!(code, 0);
    for line in stdout.lines().skip(1).take_while(|line| !line.is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        let (flag, variable) = (name.replace('_', "-"), name.to_uppercase());
        assert!(help.contains(&format!("--{flag} <")), "{flag}");
        assert!(help.contains(&format!("[env: EXPOSURE_{variable}]")), "{variable}");
    }
}

/// Nothing on standard output, one line on standard error that has all of this, code 2.
#[track_caller]
pub(crate) fn check(args: &[&str], environment: &[(&str, &str)], expected: &[&str]) {
    let mut command = exposure(args);
    let (code, stdout, stderr) = run(command.envs(environment.iter().copied()));
    assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
    assert!(stderr.starts_with("exposure: ") && stderr.ends_with('\n'), "{stderr:?}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    for expected in expected {
        assert!(stderr.contains(expected), "`{expected}` is missing: {stderr}");
    }
}

#[test]
fn a_setting_that_can_not_be_is_named_with_what_would_be() {
    for (flag, value, expected) in [
        ("--grpc", "localhost", "127.0.0.1:7070"),
        ("--http", "127.0.0.1:99999", "127.0.0.1:7070"),
        ("--api-key", "short", "12 to 1024"),
        ("--log", "exposure=loud", "give a level such as info"),
        ("--threads", "two", "whole number"),
        ("--threads", "99999", "give 0 to 1024"),
        ("--durability", "maybe", "fsync"),
        ("--memory-limit", "4 potatoes", "4GiB"),
        ("--memory-limit", "1KiB", "give 16MiB to"),
        ("--retention", "400", "such as 30s"),
        ("--retention", "1s", "give 1d to"),
        ("--max-in-flight-bytes", "8MiB", "at least max_message_bytes"),
        ("--stream-credit", "0", "give 1 to 1024"),
        ("--drain", "soon", "such as 30s"),
    ] {
        let setting = format!("`{}`", flag[2..].replace('-', "_"));
        let value_shown = if flag == "--api-key" { "what it was given" } else { value };
        check(&["serve", flag, value], &[], &[&setting, value_shown, expected]);
    }
    check(&["serve", "--grpc", "127.0.0.1:7071"], &[], &["`grpc` and `http`", "127.0.0.1:7071"]);
    let variable = [("EXPOSURE_MAX_CALLS", "-1")];
    check(&["serve"], &variable, &["`max_calls`", "(EXPOSURE_MAX_CALLS)", "`-1`"]);
}

#[test]
fn a_file_that_can_not_be_read_is_named_with_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing.toml").to_str().unwrap().to_owned();
    check(&["serve", "--config", &missing], &[], &[&missing, "No such file"]);
    check(&["serve"], &[("EXPOSURE_CONFIG", &missing)], &[&missing, "No such file"]);
    let file = dir.path().join("exposure.toml");
    for (text, expected) in [
        ("memory_limt = \"1GiB\"", &["no setting `memory_limt`", "is it `memory_limit`?"][..]),
        ("nonsense = 1", &["no setting `nonsense`"]),
        ("[serve]\ngrpc = \"x\"", &["no setting `serve`"]),
        ("grpc = [1]", &["`grpc`", "array"]),
        ("max_calls = 1.5", &["`max_calls`", "float"]),
        ("log = \"info\"\ngrpc = ", &["line 2"]),
        ("log = \"info\"\nlog = \"warn\"", &["line 2"]),
        ("max_calls = -4", &["`max_calls`", "`-4`", "exposure.toml"]),
    ] {
        fs::write(&file, text).unwrap();
        check(&["serve", "--config", file.to_str().unwrap()], &[], expected);
    }
}

#[test]
fn a_port_in_use_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let rest = ["--data-dir", data.to_str().unwrap()];
    for (taken, free) in [("--grpc", "--http"), ("--http", "--grpc")] {
        let args = ["serve", taken, &address, free, "127.0.0.1:0"];
        let setting = format!("`{}`", &taken[2..]);
        check(&[&args[..], &rest].concat(), &[], &[&setting, &address, "in use"]);
    }
    assert!(!data.exists(), "nothing is made before the ports are there");
}

#[test]
fn a_data_directory_that_can_not_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let path = data.to_str().unwrap();
    let serve = |path: &str, expected: &[&str]| {
        let args = ["serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", path];
        check(&args, &[], expected);
    };
    let server = Server::start(&data);
    serve(path, &[path, "in use by another exposure process"]);
    assert_eq!(server.stop(), 0);

    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    serve(file.to_str().unwrap(), &["file", "data directory"]);
    // Where not even root may write.
    serve("/proc/self/task", &["/proc/self/task", "can not be written to"]);
    serve("/proc/exposure", &["/proc/exposure", "can not be made"]);

    let format = data.join("FORMAT");
    let mut bytes = fs::read(&format).unwrap();
    bytes[8] = 99;
    fs::write(&format, bytes).unwrap();
    serve(path, &[path, "FORMAT", "version is 99", "a newer one"]);
}
