//! Whoever replays a log, and however many do, the state is the same.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use exposure_core::{
    Admitted, DeviceId, ErrorCode, FlagKey, Ids, InsertId, Kind, Notes, RawId, Subject, UserId,
    Variant,
};
use exposure_store::{Batch, Committed, KeyId, Origin, Reject, Store};
use exposure_store_embedded::{EmbeddedStore, Work};
use futures::executor::block_on;
use proptest::prelude::*;

use super::fixture::copy;
use super::workload::{NOW, PROJECT, options};

const N_USERS: u8 = 12;
const N_DEVICES: u8 = 6;

/// What is sent, all of it small numbers.
#[derive(Clone, Debug)]
struct Sent {
    user: Option<u8>,
    device: Option<u8>,
    flag: u8,
    variant: u8,
    insert: Option<u8>,
    time: i64,
    /// A second of the server's clock, which may go backward.
    clock: i64,
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Sent>),
    Reject(u8),
    Erase(u8),
    Settle,
}

fn sent() -> impl Strategy<Value = Sent> {
    let ids = prop_oneof![
        (0..N_USERS).prop_map(|user| (Some(user), None)),
        (0..N_DEVICES).prop_map(|device| (None, Some(device))),
        (0..N_USERS, 0..N_DEVICES).prop_map(|(user, device)| (Some(user), Some(device))),
    ];
    let insert = prop::option::of(0..40_u8);
    (ids, 0..4_u8, 0..4_u8, insert, 0..50_i64, 0..20_i64).prop_map(
        |((user, device), flag, variant, insert, time, clock)| Sent {
            user,
            device,
            flag,
            variant,
            insert,
            time,
            clock,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(sent(), 1..40).prop_map(Step::Commit),
        1 => (0..N_USERS).prop_map(Step::Reject),
        1 => (0..N_USERS).prop_map(Step::Erase),
        1 => Just(Step::Settle),
    ]
}

/// Commits events; what became of each.
fn commit(store: &EmbeddedStore, sent: &[Sent]) -> Vec<Committed> {
    let texts: Vec<_> = sent
        .iter()
        .map(|sent| {
            let name = |kind: &str, n: Option<u8>| n.map(|n| format!("{kind}-{n}"));
            (
                name("user", sent.user),
                name("device", sent.device),
                format!("flag-{}", sent.flag),
                name("variant", Some(sent.variant)),
                name("insert", sent.insert),
            )
        })
        .collect();
    let events: Vec<_> = sent
        .iter()
        .zip(&texts)
        .map(|(sent, (user, device, flag, variant, insert))| Admitted {
            ids: match (user, device) {
                (Some(user), Some(device)) => {
                    Ids::Both(UserId::trusted(user), DeviceId::trusted(device))
                }
                (Some(user), None) => Ids::User(UserId::trusted(user)),
                (None, Some(device)) => Ids::Device(DeviceId::trusted(device)),
                (None, None) => unreachable!("each names somebody"),
            },
            time: NOW.plus_micros(sent.time),
            sequence: 0,
            insert_id: insert.as_deref().map(InsertId::trusted),
            subject: Subject::Exposure {
                kind: Kind::Exposure,
                flag: FlagKey::trusted(flag),
                variant: variant.as_deref().filter(|_| sent.variant > 0).map(Variant::trusted),
                experiment_key: None,
                writes: true,
            },
            extra: Vec::new(),
            payload: b"",
            notes: Notes::default(),
            library: ["web", "app"][usize::from(sent.flag % 2)],
        })
        .collect();
    let now = NOW.plus_micros(sent[0].clock * 1_000_000);
    let origin = Origin { project: PROJECT, key: KeyId(1), received: now, now };
    let batch = Batch { origin, events: &events, rejects: &[] };
    let mut committing = pin!(store.commit(&batch));
    // One without threads waits for who does its work.
    loop {
        if let Poll::Ready(committed) =
            committing.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            return committed.unwrap();
        }
        store.work(Work::Segments).unwrap();
        store.work(Work::Log).unwrap();
    }
}

fn reject(store: &EmbeddedStore, user: &str) {
    let reject = Reject {
        code: ErrorCode::Invalid,
        field: "flag_key",
        message: "it is not good",
        user,
        device: "",
        event: b"{}",
        library: "web",
    };
    let origin = Origin { project: PROJECT, key: KeyId(1), received: NOW, now: NOW };
    block_on(store.commit(&Batch { origin, events: &[], rejects: &[reject] })).unwrap();
}

/// Everything that can be asked of a store.
fn all_of(store: &EmbeddedStore) -> Vec<String> {
    let mut all = vec![
        format!("{:?}", block_on(store.state_hash()).unwrap()),
        format!("{:?}", block_on(store.usage(PROJECT, i64::MIN, i64::MAX)).unwrap()),
        format!("{:?}", block_on(store.senders(PROJECT)).unwrap()),
        format!("{:?}", block_on(store.flags(PROJECT)).unwrap()),
        format!("{:?}", block_on(store.rejects(PROJECT, None, 100)).unwrap()),
    ];
    let users = (0..N_USERS).map(|n| (true, format!("user-{n}")));
    for (is_user, id) in users.chain((0..N_DEVICES).map(|n| (false, format!("device-{n}")))) {
        let id = if is_user { RawId::User(&id) } else { RawId::Device(&id) };
        all.push(format!("{:?}", block_on(store.profile(PROJECT, id)).unwrap()));
        all.push(format!("{:?}", block_on(store.duplicates(PROJECT, id)).unwrap()));
        all.push(format!("{:?}", block_on(store.history(PROJECT, id)).unwrap()));
    }
    all
}

fn open(dir: &Path, driven: bool) -> EmbeddedStore {
    let mut options = options(dir);
    // An erasure is one payload, with all that is left of a user and its devices.
    options.segment_bytes = 16 << 10;
    options.driven = driven;
    EmbeddedStore::open(options, NOW).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn however_many_replay_the_state_is_the_same(
        steps in prop::collection::vec(step(), 1..14),
        again in prop::collection::vec(sent(), 1..60),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("first"), false);
        for step in &steps {
            match step {
                Step::Commit(sent) => drop(commit(&store, sent)),
                Step::Reject(user) => reject(&store, &format!("user-{user}")),
                Step::Erase(user) => {
                    let until = NOW.plus_micros(25);
                    block_on(store.erase(PROJECT, &format!("user-{user}"), until)).unwrap();
                }
                Step::Settle => store.settle().unwrap(),
            }
        }
        let before = all_of(&store);
        drop(store);
        let mut outcomes = Vec::new();
        for (name, driven) in [("one", true), ("many", false)] {
            copy(&dir.path().join("first"), &dir.path().join(name));
            let store = open(&dir.path().join(name), driven);
            prop_assert_eq!(&all_of(&store), &before, "{}", name);
            // Duplicates of before are told from new ones.
            outcomes.push((commit(&store, &again), all_of(&store)));
        }
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }
}
