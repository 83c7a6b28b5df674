//! The repository's own protocol: generated code, style and compatibility are as they should be.

use exposure_codegen::drift::{self, Drift};
use exposure_codegen::generate::{DESCRIPTOR_FILE, Files, generate};
use exposure_codegen::layout::Layout;
use exposure_codegen::{baseline, breaking, compile, lint};

#[test]
fn the_checked_in_code_is_what_is_generated() {
    let layout = Layout::of_this_repository();
    let descriptors = compile::compile(&layout.proto).unwrap();
    let files = generate(&descriptors).unwrap();
    assert!(files.contains_key(DESCRIPTOR_FILE) && files.contains_key("exposure.v1.rs"));
    let drifts = drift::compare(&files, &layout.generated).unwrap();
    assert_eq!(drifts, [], "run `cargo xtask codegen`");
    // A second run writes the same bytes.
    assert!(generate(&descriptors).unwrap() == files);
}

#[test]
fn the_protocol_has_style_and_breaks_nobody() {
    let layout = Layout::of_this_repository();
    let descriptors = compile::compile(&layout.proto).unwrap();
    assert_eq!(lint::lint(&descriptors), []);
    let before = baseline::read(&layout.baseline).unwrap();
    assert_eq!(breaking::breaking(&before, &descriptors), []);
}

#[test]
fn differences_are_found_by_content_and_written_away() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let files: Files =
        ["same", "changed", "missing"].map(|name| (name.to_owned(), b"new".to_vec())).into();
    std::fs::write(at("same"), "new").unwrap();
    std::fs::write(at("changed"), "old").unwrap();
    std::fs::write(at("stray"), "new").unwrap();

    let mut drifts = drift::compare(&files, directory.path()).unwrap();
    drifts.sort();
    let expected = [
        Drift::Missing("missing".into()),
        Drift::Changed("changed".into()),
        Drift::Stray("stray".into()),
    ];
    assert_eq!(drifts, expected);
    assert_eq!(drift::write(&files, directory.path()).unwrap().len(), 3);
    assert_eq!(drift::compare(&files, directory.path()).unwrap(), []);
    assert!(!at("stray").exists());
    assert_eq!(std::fs::read(at("changed")).unwrap(), b"new");
}

#[test]
fn a_baseline_is_read_as_it_was_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("below/exposure.binpb");
    assert!(format!("{:#}", baseline::read(&path).unwrap_err()).contains("exposure.binpb"));
    let descriptors = compile::compile(&Layout::of_this_repository().proto).unwrap();
    baseline::accept(descriptors.clone(), &path).unwrap();
    assert_eq!(baseline::read(&path).unwrap(), compile::strip(descriptors));
}
