//! The examples, run as programs.
//!
//! Cargo builds them along with the tests, unless it is asked for single tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Command;

/// An example that cargo built beside this test.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    let program: PathBuf = built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not built: run `cargo build --examples`", program.display());
    Command::new(program)
}

fn output(name: &str) -> String {
    // Whatever it keeps on disk is its own.
    let directory = tempfile::tempdir().unwrap();
    let output = example(name).env("TMPDIR", directory.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn custom_provider() {
    let output = output("custom_provider");
    assert!(output.starts_with("exposures: ") && output.contains("checkout"), "{output}");
}

#[test]
fn custom_source() {
    let lines: Vec<String> = output("custom_source").lines().map(Into::into).collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[4].contains(r#""device_id":"device-1""#), "{lines:?}");
}

#[test]
fn synchronous() {
    let output = output("synchronous");
    assert!(output.contains("user-2 sees Some(\"beta\")"), "{output}");
    assert!(output.contains("delivered 3 of 3"), "{output}");
}

#[cfg(feature = "grpc")]
#[test]
fn quickstart() {
    let server = exposure_testkit::TestServer::start().unwrap();
    let key = exposure_testkit::TestServer::KEY;
    let output = example("quickstart").args([&server.grpc(), key]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let properties = server.get("/v1/properties?user_id=user-1").unwrap();
    assert_eq!(properties["properties"]["[Experiment] checkout"], "treatment");
}

#[cfg(all(feature = "amplitude", feature = "grpc"))]
#[test]
fn fan_out() {
    let output = output("fan_out");
    for line in [
        "grpc: 2 of 2 delivered",
        "amplitude: 2 of 2 delivered",
        "1 repeats",
        r#"server: {"profile":"user:user-1","properties":{"[Experiment] checkout":"treatment"}}"#,
        r#"stand-in: {"profile":"user:user-1","properties":{"[Experiment] checkout":"treatment"}}"#,
    ] {
        assert!(output.lines().any(|other| other == line), "no `{line}` in:\n{output}");
    }
}

#[cfg(all(unix, feature = "grpc", feature = "tower"))]
#[test]
fn axum_service() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::TcpStream;
    use std::process::Stdio;

    let mut service = example("axum_service").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.next().unwrap();
    let address = line.strip_prefix("listening on http://").unwrap();
    for _ in 0..2 {
        let mut socket = TcpStream::connect(address).unwrap();
        let request = "GET / HTTP/1.1\r\nhost: x\r\nx-user-id: user-1\r\nconnection: close\r\n\r\n";
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\na green button\n"), "{answer}");
    }
    let pid = service.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let rest: Vec<String> = lines.collect();
    let [exposure, end] = &rest[..] else { panic!("{rest:?}") };
    assert!(exposure.contains(r#""flag_key":"button""#), "{exposure}");
    assert!(exposure.contains(r#""user_id":"user-1""#), "{exposure}");
    assert_eq!(end, "1 delivered, 0 left");
    assert!(service.wait().unwrap().success());
}
