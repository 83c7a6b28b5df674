//! What is sent: few users, devices and flags, so that everything meets.

use std::sync::Arc;

use exposure_core::{
    Admitted, Change, DeviceId, ErrorCode, ExperimentKey, FlagKey, Ids, InsertId, Kind, Notes,
    Owner, Subject, Timestamp, UserId, Variant, Write,
};
use exposure_store::{
    Batch, Committed, Document, Error, KeyId, Origin, ProjectId, Reject, Result, Store,
};
use exposure_store_embedded::disk::SplitMix;

pub(crate) const PROJECTS: [ProjectId; 2] = [ProjectId(1), ProjectId(2)];
const N_USERS: u64 = 5;
const N_DEVICES: u64 = 4;
const N_FLAGS: u64 = 3;
const PAYLOADS: [&str; 3] = ["", "{\"page\":\"start\"}", "{\"page\":\"an-end-that-is-far-away\"}"];

/// Every user and device that may be named.
pub(crate) fn owners() -> impl Iterator<Item = Owner> {
    let users = (0..N_USERS).map(|n| Owner::User(format!("user-{n}").into()));
    users.chain((0..N_DEVICES).map(|n| Owner::Device(format!("device-{n}").into())))
}

/// An event that is sent, perhaps more than once.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Its number among all events of the run: its sequence.
    pub(crate) number: i64,
    user: Option<String>,
    device: Option<String>,
    kind: Kind,
    flag: String,
    variant: Option<String>,
    experiment_key: Option<String>,
    extra: Vec<(String, Option<String>)>,
    pub(crate) insert_id: Option<String>,
    payload: &'static str,
    time: Timestamp,
}

impl Event {
    pub(crate) fn random(random: &mut SplitMix, number: i64, now: Timestamp) -> Self {
        let named = random.up_to(5);
        let user = (named < 4).then(|| format!("user-{}", random.up_to(N_USERS - 1)));
        let device = (named > 1).then(|| format!("device-{}", random.up_to(N_DEVICES - 1)));
        let flag = |random: &mut SplitMix| format!("flag-{}", random.up_to(N_FLAGS - 1));
        let variant = |random: &mut SplitMix| {
            let n = random.up_to(3);
            (n > 0).then(|| format!("variant-{n}"))
        };
        let kind = match random.up_to(9) {
            0 => Kind::Impression,
            1 => Kind::Assignment,
            2 => Kind::Identify,
            3 => Kind::Track,
            _ => Kind::Exposure,
        };
        let own_flag = flag(random);
        let mut extra = Vec::new();
        if matches!(kind, Kind::Assignment | Kind::Identify) && random.up_to(2) > 0 {
            extra.push((own_flag.clone(), variant(random)));
        }
        Self {
            number,
            user,
            device,
            kind,
            flag: own_flag,
            variant: variant(random),
            experiment_key: (random.up_to(4) == 0).then(|| "run-2".to_owned()),
            extra,
            insert_id: (random.up_to(3) > 0).then(|| format!("insert-{number}")),
            payload: PAYLOADS[random.up_to(2) as usize],
            // Not in the order of their arrival.
            time: now.plus_micros(-(random.up_to(90_000_000) as i64)),
        }
    }

    /// Another event under the same insert id.
    pub(crate) fn in_conflict(&self, number: i64) -> Self {
        Self { number, variant: Some("another".to_owned()), ..self.clone() }
    }

    fn admitted<'a>(&'a self, library: &'a str) -> Admitted<'a> {
        let user = self.user.as_deref().map(UserId::trusted);
        let device = self.device.as_deref().map(DeviceId::trusted);
        Admitted {
            ids: match (user, device) {
                (Some(user), Some(device)) => Ids::Both(user, device),
                (Some(user), None) => Ids::User(user),
                (None, Some(device)) => Ids::Device(device),
                (None, None) => unreachable!("each names somebody"),
            },
            time: self.time,
            sequence: self.number,
            insert_id: self.insert_id.as_deref().map(InsertId::trusted),
            subject: match self.kind {
                kind @ (Kind::Exposure | Kind::Impression) => Subject::Exposure {
                    kind,
                    flag: FlagKey::trusted(&self.flag),
                    variant: self.variant.as_deref().map(Variant::trusted),
                    experiment_key: self.experiment_key.as_deref().map(ExperimentKey::trusted),
                    writes: self.number % 8 != 0,
                },
                kind @ Kind::Track => Subject::Outcome { kind, event_type: "checkout" },
                kind => Subject::Plain(kind),
            },
            extra: self
                .extra
                .iter()
                .map(|(flag, variant)| Write {
                    flag: FlagKey::trusted(flag),
                    change: Change::to_variant(variant.as_deref()),
                })
                .collect(),
            payload: self.payload.as_bytes(),
            notes: Notes::default(),
            library,
        }
    }
}

/// Something that is sent, and may or may not arrive.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Batch {
        origin: Origin,
        events: Vec<Event>,
        n_rejects: u64,
        /// No other batch has it: by it the batch is found again.
        library: String,
    },
    Document(Document),
    Erase {
        project: ProjectId,
        user: String,
        until: Timestamp,
    },
}

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Committed(Vec<Committed>),
    Kept,
    Erased(u64),
}

impl Request {
    /// Sends it to a store, any.
    pub(crate) async fn send<S: Store + ?Sized>(self: Arc<Self>, store: Arc<S>) -> Result<Answer> {
        match &*self {
            Self::Batch { origin, events, n_rejects, library } => {
                let events: Vec<_> = events.iter().map(|event| event.admitted(library)).collect();
                let reject = |n| Reject {
                    code: ErrorCode::Invalid,
                    field: "time",
                    message: "is no time",
                    user: if n == 0 { "user-0" } else { "" },
                    device: "",
                    event: b"{}",
                    library,
                };
                let rejects: Vec<_> = (0..*n_rejects).map(reject).collect();
                let batch = Batch { origin: *origin, events: &events, rejects: &rejects };
                store.commit(&batch).await.map(Answer::Committed)
            }
            Self::Document(document) => store.put_document(document).await.map(|()| Answer::Kept),
            Self::Erase { project, user, until } => {
                store.erase(*project, user, *until).await.map(Answer::Erased)
            }
        }
    }

    /// Whether a store has it.
    pub(crate) async fn is_in<S: Store + ?Sized>(&self, store: &S) -> Result<bool> {
        Ok(match self {
            Self::Batch { origin, library, .. } => {
                let senders = store.senders(origin.project).await?;
                senders.iter().any(|sender| *sender.library == **library)
            }
            Self::Document(document) => store.documents("").await?.contains(document),
            Self::Erase { project, user, until } => {
                let profile = store.profile(*project, exposure_core::RawId::User(user)).await?;
                profile.and_then(|profile| profile.erased_until) == Some(*until)
            }
        })
    }
}

/// An origin of now.
pub(crate) fn origin(project: ProjectId, key: u32, now: Timestamp) -> Origin {
    Origin { project, key: KeyId(key), received: now, now }
}

/// Whether a failure may come of a fault: nothing was damaged.
pub(crate) fn is_excusable(error: &Error) -> bool {
    matches!(error, Error::Io { .. } | Error::Poisoned { .. } | Error::Exhausted { .. })
}
