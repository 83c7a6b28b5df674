//! Events of every shape.

use exposure_core::{
    Admitted, Change, DeviceId, ExperimentKey, FlagKey, Ids, InsertId, Kind, Notes, Subject,
    Timestamp, UserId, Variant, Write,
};
use exposure_store::{KeyId, Origin, ProjectId};
use proptest::prelude::*;

pub(super) const RECEIVED: i64 = 1_795_345_740_000_000;
pub(super) const UUID: &str = "0b9e6d1c-1111-2222-3333-4444444444ff";

pub(super) fn origin() -> Origin {
    Origin {
        project: ProjectId(7),
        key: KeyId(9),
        received: Timestamp::from_micros(RECEIVED),
        now: Timestamp::from_micros(RECEIVED + 5),
    }
}

/// The texts and numbers that an event is made of.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// 0 a user, 1 a device, 2 both.
    pub(super) ids: u8,
    pub(super) user: String,
    pub(super) device: String,
    pub(super) time: i64,
    pub(super) sequence: i64,
    pub(super) insert_id: Option<String>,
    pub(super) kind: Kind,
    pub(super) flag: String,
    pub(super) variant: Option<String>,
    pub(super) run: Option<String>,
    pub(super) writes: bool,
    pub(super) extra: Vec<(String, Option<String>)>,
    pub(super) payload: Vec<u8>,
    pub(super) notes: u8,
    pub(super) library: String,
}

impl Sample {
    pub(super) fn event(&self) -> Admitted<'_> {
        let (user, device) = (UserId::trusted(&self.user), DeviceId::trusted(&self.device));
        Admitted {
            ids: match self.ids {
                0 => Ids::User(user),
                1 => Ids::Device(device),
                _ => Ids::Both(user, device),
            },
            time: Timestamp::from_micros(self.time),
            sequence: self.sequence,
            insert_id: self.insert_id.as_deref().map(InsertId::trusted),
            subject: if self.kind.is_exposure() {
                Subject::Exposure {
                    kind: self.kind,
                    flag: FlagKey::trusted(&self.flag),
                    variant: self.variant.as_deref().map(Variant::trusted),
                    experiment_key: self.run.as_deref().map(ExperimentKey::trusted),
                    writes: self.writes,
                }
            } else if self.kind.is_billable() {
                Subject::Outcome { kind: self.kind, event_type: &self.flag }
            } else {
                Subject::Plain(self.kind)
            },
            extra: self.extra.iter().map(write).collect(),
            payload: &self.payload,
            notes: Notes::from_bits(self.notes),
            library: &self.library,
        }
    }
}

fn write((flag, variant): &(String, Option<String>)) -> Write<'_> {
    Write { flag: FlagKey::trusted(flag), change: Change::to_variant(variant.as_deref()) }
}

/// An exposure as most are.
pub(super) fn common() -> Sample {
    Sample {
        ids: 0,
        user: "user-0000000042".into(),
        device: String::new(),
        time: RECEIVED - 1_000_000,
        sequence: 0,
        insert_id: Some(UUID.into()),
        kind: Kind::Exposure,
        flag: "experiment-0007".into(),
        variant: Some("variant1".into()),
        run: None,
        writes: true,
        extra: Vec::new(),
        payload: Vec::new(),
        notes: 0,
        library: "exposure-rust/1".into(),
    }
}

/// Texts of every length at which a layout could change its mind.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[ -~]{0,20}",
        2 => "\\PC{0,12}",
        1 => prop::sample::select(vec![0_usize, 1, 254, 255, 256, 4096]).prop_map(|n| "x".repeat(n)),
        1 => prop::sample::select(vec![127_usize, 128, 1024]).prop_map(|n| "é".repeat(n)),
        1 => Just("🦀".repeat(1024)),
        1 => Just(UUID.to_owned()),
    ]
}

fn insert_id() -> impl Strategy<Value = Option<String>> {
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    prop_oneof![
        1 => Just(None),
        4 => uuid.prop_map(Some),
        1 => uuid.prop_map(|id| Some(id.to_uppercase())),
        2 => text().prop_map(Some),
    ]
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => (-2_000_000_000_i64..2_000_000_000).prop_map(|since| RECEIVED + since),
        1 => prop::sample::select(vec![i32::MIN, i32::MAX])
            .prop_flat_map(|edge| (-2_i64..=2).prop_map(move |by| RECEIVED + i64::from(edge) + by)),
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX, 0]),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => Just(Vec::new()),
        3 => prop::collection::vec(any::<u8>(), 1..40),
        1 => prop::sample::select(vec![59_999_usize, 60_001, 65_535, 65_536, 200_000])
            .prop_map(|n| vec![b'7'; n]),
    ]
}

/// Any event.
pub(super) fn sample() -> impl Strategy<Value = Sample> {
    // An empty variant is stored as none.
    let variant = prop::option::of("[a-zé]{1,12}");
    let extra = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((text(), variant), 1..4),
    ];
    let library = prop_oneof![
        3 => Just("exposure-rust/1".to_owned()),
        1 => Just(String::new()),
        1 => text(),
    ];
    (
        (0_u8..3, text(), text(), time(), prop_oneof![3 => Just(0), 1 => any::<i64>()]),
        (insert_id(), prop::sample::select(Kind::ALL.to_vec()), text()),
        (prop::option::of(text()), prop::option::of(text()), any::<bool>(), extra),
        (bytes(), 0_u8..16, library),
    )
        .prop_map(|(who, what, exposed, rest)| Sample {
            ids: who.0,
            user: who.1,
            device: who.2,
            time: who.3,
            sequence: who.4,
            insert_id: what.0,
            kind: what.1,
            flag: what.2,
            variant: exposed.0,
            run: exposed.1,
            writes: exposed.2,
            extra: exposed.3,
            payload: rest.0,
            notes: rest.1,
            library: rest.2,
        })
}
