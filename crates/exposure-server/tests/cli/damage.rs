//! A flipped bit is an error that names the file; nothing starts over it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{Server, exposure, run};

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_flipped_bit_in_the_log_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    for user in ["user-1", "user-2", "user-3"] {
        server.output(&["track", "--user", user, "--flag", "a-flag-to-find", "--variant", "on"]);
    }
    assert_eq!(server.stop(), 0);
    let path = data.to_str().unwrap();
    let (code, sound, _) = run(&mut exposure(&["verify", "--data-dir", path]));
    assert_eq!(code, 0);
    assert!(
        sound.contains("is sound: state is what the stored events make\n3 profiles, 3 events"),
        "{sound}"
    );
    let state_hash =
        |text: &str| text.lines().find(|line| line.starts_with("state hash ")).map(str::to_owned);
    assert!(state_hash(&sound).is_some(), "{sound}");
    let (code, again, _) = run(&mut exposure(&["verify", "--data-dir", path]));
    assert_eq!((code, state_hash(&again)), (0, state_hash(&sound)), "verifying changes no state");

    let log = files(&data.join("log"))
        .into_iter()
        .find(|file| file.extension().is_some_and(|it| it == "log"))
        .unwrap();
    let mut bytes = fs::read(&log).unwrap();
    let place = bytes.windows(14).position(|bytes| bytes == b"a-flag-to-find").unwrap();
    bytes[place] ^= 1;
    fs::write(&log, bytes).unwrap();

    let name = log.file_name().unwrap().to_str().unwrap();
    let serve = ["serve", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data-dir", path];
    for (args, expected_code) in [(&serve[..], 2), (&["verify", "--data-dir", path], 1)] {
        let (code, stdout, stderr) = run(exposure(args).env("EXPOSURE_LOG", "off"));
        assert_eq!((code, stdout.as_str()), (expected_code, ""), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(name), "{stderr}");
    }
}

#[test]
fn verify_of_what_is_no_data_directory_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, stderr) =
        run(&mut exposure(&["verify", "--data-dir", dir.path().to_str().unwrap()]));
    assert_eq!(code, 2);
    assert!(stderr.contains("no data directory"), "{stderr}");
    assert!(files(dir.path()).is_empty(), "it made something");
}
