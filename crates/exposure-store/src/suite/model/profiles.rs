use std::collections::{BTreeMap, BTreeSet};

use exposure_core::{DeviceLinks, Owner, ProfileState, Seen, SeenKey, Timestamp};

use super::known::{Known, Rank};
use super::owners::greatest;
use super::replay::Model;
use crate::ProjectId;

/// What is kept of a raw id, in a form that is easy to compare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of a profile's state")]
pub struct RawProfile {
    pub registers: BTreeMap<String, (Rank, Option<String>)>,
    pub seen: BTreeMap<SeenKey, (Timestamp, Timestamp, u64)>,
    pub devices: BTreeSet<String>,
    pub spans: Spans,
    pub erased_until: Option<Timestamp>,
}

/// The users seen on a device, with their earliest and latest time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spans {
    /// By user.
    Users(BTreeMap<String, (Timestamp, Timestamp)>),
    /// Too many.
    Shared,
}

impl Default for Spans {
    fn default() -> Self {
        Self::Users(BTreeMap::new())
    }
}

impl RawProfile {
    /// What a store answered; nothing is an empty profile.
    pub fn of(state: Option<&ProfileState>) -> Self {
        let Some(state) = state else { return Self::default() };
        let registers = state.registers.iter().map(|(flag, register)| {
            let version = register.version();
            let variant = version.change.variant();
            let rank = (
                version.time.as_micros(),
                version.sequence,
                variant.is_none(),
                variant.unwrap_or("").as_bytes().to_vec(),
                version.experiment_key.as_bytes().to_vec(),
                version.insert_id.as_bytes().to_vec(),
            );
            (flag.to_owned(), (rank, variant.map(str::to_owned)))
        });
        let seen = state.seen.iter().map(|(key, s)| (key.clone(), (s.first, s.last, s.count)));
        let spans = match &state.links {
            DeviceLinks::Shared => Spans::Shared,
            links => {
                let spans = links.spans().iter();
                Spans::Users(spans.map(|s| (s.user.to_string(), (s.earliest, s.latest))).collect())
            }
        };
        Self {
            registers: registers.collect(),
            seen: seen.collect(),
            devices: state.devices.iter().map(ToString::to_string).collect(),
            spans,
            erased_until: state.erased_until,
        }
    }
}

impl Model {
    /// What a store keeps of a raw id.
    pub fn profile(&self, project: ProjectId, id: &Owner) -> RawProfile {
        let naming: Vec<&Known> = self.live(project).filter(|event| event.names(id)).collect();
        let own = || naming.iter().copied().filter(|event| event.raw() == *id);
        let flags: BTreeSet<&String> =
            own().flat_map(|event| &event.writes).map(|(flag, _)| flag).collect();
        let registers = flags.into_iter().filter_map(|flag| {
            let (rank, variant, _) = greatest(own(), flag)?;
            Some((flag.clone(), (rank, variant.map(str::to_owned))))
        });
        let mut profile = RawProfile {
            registers: registers.collect(),
            seen: seen(own())
                .into_iter()
                .map(|(key, seen)| (key, (seen.first, seen.last, seen.count)))
                .collect(),
            erased_until: self.erased_until(project, id),
            ..RawProfile::default()
        };
        match id {
            Owner::User(_) => {
                profile.devices = naming.iter().filter_map(|event| event.device.clone()).collect();
            }
            Owner::Device(device) if self.is_shared(project, device) => {
                profile.spans = Spans::Shared;
            }
            Owner::Device(_) => profile.spans = spans(&naming),
        }
        profile
    }

    /// What a profile saw, under the links of today.
    pub fn seen(&self, project: ProjectId, owner: &Owner) -> BTreeMap<SeenKey, Seen> {
        seen(self.owned(project, owner))
    }
}

fn seen<'e>(events: impl Iterator<Item = &'e Known>) -> BTreeMap<SeenKey, Seen> {
    let mut times: BTreeMap<SeenKey, Vec<Timestamp>> = BTreeMap::new();
    for event in events {
        if let Some(key) = event.seen_key() {
            times.entry(key).or_default().push(event.time);
        }
    }
    let summed = times.into_iter().filter_map(|(key, times)| {
        let (first, last) = (*times.iter().min()?, *times.iter().max()?);
        Some((key, Seen { first, last, count: times.len() as u64 }))
    });
    summed.collect()
}

fn spans(naming: &[&Known]) -> Spans {
    let users: BTreeSet<&String> = naming.iter().filter_map(|event| event.user.as_ref()).collect();
    let spans = users.into_iter().filter_map(|user| {
        let of_user = || naming.iter().filter(|event| event.user.as_ref() == Some(user));
        let earliest = of_user().map(|event| event.time).min()?;
        let latest = of_user().map(|event| event.time).max()?;
        Some((user.clone(), (earliest, latest)))
    });
    Spans::Users(spans.collect())
}
