//! The rules: admission, the merge of a register, whose an event is.

use std::hint::black_box;

use exposure_core::{
    Admission, Change, Dialect, Links, Ownership, Register, Rules, Timestamp, Variant, Version,
    admit,
};
use exposure_proto::convert;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef};

use super::counted::{Part, Result, only_this_is_counted};
use super::events::{BEGIN, encoded};

pub(crate) const PARTS: &[Part] = &[
    Part { name: "convert-and-admit-1000", n_events: 1000, run: validate },
    Part { name: "register-merge-newer-1000", n_events: 1000, run: || merge(1) },
    Part { name: "register-merge-older-1000", n_events: 1000, run: || merge(-1) },
    Part { name: "owner-of-100-links-1000", n_events: 1000, run: ownership },
];

fn validate() -> Result<()> {
    let bytes = encoded(0, 1000, 100_000);
    let request = IngestRequestRef::decode(&bytes, DecodeLimits::default())?;
    let rules = Rules::new(Dialect::Native, Timestamp::from_micros(BEGIN));
    let mut n_admitted = 0;
    only_this_is_counted(&mut || {
        let admitted = request.events.iter().filter(|event| {
            let Ok(incoming) = convert::incoming(&request, event) else { return false };
            matches!(admit(black_box(&incoming), &rules), Ok(Admission::Event(_)))
        });
        n_admitted = admitted.count();
    });
    if n_admitted == 1000 { Ok(()) } else { Err("not every event was admitted".into()) }
}

/// Merges writes that are each `step` microseconds apart.
fn merge(step: i64) -> Result<()> {
    let version = |time| Version {
        time: Timestamp::from_micros(time),
        sequence: 0,
        change: Change::Set(Variant::trusted("variant1")),
        experiment_key: "",
        insert_id: "0b9e6d1c-1111-2222-3333-444444444444",
    };
    let mut register = Register::new(&version(BEGIN));
    let writes: Vec<_> = (1..=1000).map(|n| version(BEGIN + n * step)).collect();
    only_this_is_counted(&mut || {
        for write in &writes {
            black_box(register.merge(black_box(write)));
        }
    });
    let newest = version(BEGIN + (1000 * step).max(0));
    if register == Register::new(&newest) { Ok(()) } else { Err("another write won".into()) }
}

fn ownership() -> Result<()> {
    let mut links = Links::default();
    for n in 0..100 {
        links.add(Timestamp::from_micros(n * 10), &format!("user-{}", n % 7));
    }
    let mut n_owned = 0;
    only_this_is_counted(&mut || {
        let times = (0..1000).map(|n| Timestamp::from_micros(n * 37 % 1000));
        n_owned = times
            .filter(|time| matches!(links.owner_at(black_box(*time), 1000), Ownership::User(_)))
            .count();
    });
    if n_owned > 0 { Ok(()) } else { Err("nobody owned anything".into()) }
}
