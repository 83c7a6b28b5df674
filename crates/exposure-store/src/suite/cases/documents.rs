use exposure_core::Limits;

use super::support::Bench;
use crate::Document;
use crate::suite::history::Break;
use crate::suite::{MakeHarness, block_on};

/// Of two documents under one name the greater version stands, then the greater bytes.
pub fn the_greater_document_stands(make: MakeHarness<'_>) {
    let mut bench = Bench::new(make(), Limits::default());
    let document = |name: &str, version, bytes: &[u8]| Document {
        name: name.into(),
        version,
        bytes: bytes.into(),
    };
    let put = [
        document("key/2", 1, b"b"),
        document("key/10", 3, b"new"),
        document("key/10", 2, b"old"),
        document("key/2", 1, b"c"),
        document("key/2", 1, b"a"),
        document("keys", 1, b""),
        document("project/1", 1, &[0, 255]),
    ];
    for document in &put {
        block_on(bench.store().put_document(document)).expect("a document is kept");
    }
    let of = |bench: &Bench, prefix: &str| {
        block_on(bench.store().documents(prefix)).expect("documents are read")
    };
    let keys = [document("key/10", 3, b"new"), document("key/2", 1, b"c")];
    for how in [Break::None, Break::Kill, Break::Reopen] {
        bench.interrupt(how);
        assert_eq!(of(&bench, "key/"), keys, "after {how:?}");
        assert_eq!(of(&bench, "").len(), 4, "every document");
        assert_eq!(of(&bench, "nothing"), [], "no such prefix");
    }
}
