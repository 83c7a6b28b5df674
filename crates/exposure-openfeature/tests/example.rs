//! The example, run as a program.
//!
//! Cargo builds it along with the tests, unless it is asked for single tests.

use std::process::Command;

#[test]
fn openfeature() {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    let program = built.join(format!("openfeature{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not built: run `cargo build --examples`", program.display());
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).unwrap();
    for line in [
        "user-1 sees blue",
        "user-22 sees green",
        "2 delivered, 1 repeats",
        r#"{"profile":"user:user-22","properties":{"[Experiment] button":"treatment"}}"#,
    ] {
        assert!(output.lines().any(|other| other == line), "no `{line}` in:\n{output}");
    }
}
