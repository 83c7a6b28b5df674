//! What a commit brings can be read, before and after the store is opened again.

use exposure_core::{
    Admitted, Effect, Effects, FlagKey, Ids, InsertId, Kind, Notes, RawId, Subject, Timestamp,
    UserId, Variant,
};
use exposure_store::{Batch, Committed, KeyId, Origin, ProjectId, Store};
use exposure_store_embedded::{EmbeddedStore, Options};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const PROJECT: ProjectId = ProjectId(1);

fn exposure<'a>(
    user: &'a str,
    flag: &'a str,
    variant: Option<&'a str>,
    time: i64,
    insert_id: &'a str,
) -> Admitted<'a> {
    Admitted {
        ids: Ids::User(UserId::trusted(user)),
        time: NOW.plus_micros(time),
        sequence: 0,
        insert_id: (!insert_id.is_empty()).then(|| InsertId::trusted(insert_id)),
        subject: Subject::Exposure {
            kind: Kind::Exposure,
            flag: FlagKey::trusted(flag),
            variant: variant.map(Variant::trusted),
            experiment_key: None,
            writes: true,
        },
        extra: Vec::new(),
        payload: &[],
        notes: Notes::default(),
        library: "",
    }
}

fn commit(store: &EmbeddedStore, events: &[Admitted<'_>]) -> Vec<Committed> {
    let origin = Origin { project: PROJECT, key: KeyId(1), received: NOW, now: NOW };
    futures::executor::block_on(store.commit(&Batch { origin, events, rejects: &[] })).unwrap()
}

fn merged(effect: Effect) -> Committed {
    Committed::Merged(Effects::One(effect))
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let open = || EmbeddedStore::open(Options::new(dir.path()), NOW).unwrap();
    let store = open();
    let results = commit(
        &store,
        &[
            exposure("u1", "f", Some("a"), 1, "i1"),
            exposure("u1", "f", Some("b"), 2, "i2"),
            exposure("u1", "f", Some("a"), 1, "i1"),
            exposure("u1", "f", None, 3, ""),
            exposure("u2", "f", Some("a"), 1, ""),
        ],
    );
    let expected = [
        merged(Effect::Set),
        merged(Effect::Set),
        Committed::Duplicate { conflict: false },
        merged(Effect::Unset),
        merged(Effect::Set),
    ];
    assert_eq!(results, expected);
    let hash = futures::executor::block_on(store.state_hash()).unwrap();
    let look = |store: &EmbeddedStore| {
        let profile = futures::executor::block_on(store.profile(PROJECT, RawId::User("u1")))
            .unwrap()
            .unwrap();
        let history =
            futures::executor::block_on(store.history(PROJECT, RawId::User("u1"))).unwrap();
        (profile, history)
    };
    let before = look(&store);
    assert_eq!(before.0.registers.get("f").unwrap().variant(), None);
    assert_eq!(before.1.len(), 3);
    drop(store);

    let store = open();
    assert_eq!(look(&store), before);
    assert_eq!(futures::executor::block_on(store.state_hash()).unwrap(), hash);
    store.settle().unwrap();
    assert_eq!(look(&store), before);
    drop(store);

    let store = open();
    assert_eq!(look(&store), before);
    assert_eq!(futures::executor::block_on(store.state_hash()).unwrap(), hash);
    let again = commit(&store, &[exposure("u1", "f", Some("b"), 2, "i2")]);
    assert_eq!(again, [Committed::Duplicate { conflict: false }]);
    futures::executor::block_on(store.close()).unwrap();
}

/// A quiet log ends in a mark of its durable position; a reader at the end waits for more than that.
#[test]
fn a_reader_of_the_feed_comes_to_rest_behind_a_quiet_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(Options::new(dir.path()), NOW).unwrap();
    let from = store.feed_end();
    commit(&store, &[exposure("u1", "f", Some("a"), 1, "i1")]);
    let page = futures::executor::block_on(store.feed(PROJECT, &from, 10)).unwrap();
    let [(_, behind_event)] = &page.entries[..] else { panic!("{page:?}") };
    // Whether the mark is there already or comes now.
    futures::executor::block_on(store.feed_wait(behind_event)).unwrap();
    let page = futures::executor::block_on(store.feed(PROJECT, behind_event, 10)).unwrap();
    assert!(page.entries.is_empty());
    assert_ne!(page.next, *behind_event, "it would be told of the mark again and again");
    assert!(futures::FutureExt::now_or_never(store.feed_wait(&page.next)).is_none());
}
