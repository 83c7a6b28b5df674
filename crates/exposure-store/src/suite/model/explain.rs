use exposure_core::RawId;
use exposure_core::explain::Lost;

use super::known::Known;
use super::owners::greatest;
use super::replay::Model;
use crate::ProjectId;

/// Why a property has its value.
#[derive(Clone, Debug)]
pub struct Explained<'m> {
    /// The event whose write decides.
    pub decided_by: &'m Known,
    /// What it left visible.
    pub variant: Option<&'m str>,
    /// The others, in order of arrival.
    pub lost: Vec<LostWrite<'m>>,
}

/// A write that does not decide.
#[derive(Clone, Debug)]
pub struct LostWrite<'m> {
    /// Its event.
    pub event: &'m Known,
    /// Why it lost.
    pub why: Lost,
}

impl Model {
    /// Explains a property; `None` where nothing was ever written.
    pub fn explain(&self, project: ProjectId, id: RawId<'_>, flag: &str) -> Option<Explained<'_>> {
        let owner = self.reader(project, id);
        let writes = |event: &&Known| event.writes.iter().any(|(written, _)| written == flag);
        let owned: Vec<&Known> = self.owned(project, &owner).filter(writes).collect();
        let (greatest, ..) = greatest(owned.iter().copied(), flag)?;
        let rank = |event: &Known| {
            let variant = event.writes.iter().find(|(written, _)| written == flag)?.1.as_deref();
            Some(event.rank(flag, variant))
        };
        let equals = owned.iter().filter(|event| rank(event).as_ref() == Some(&greatest));
        let decided_by = *equals.min_by_key(|event| event.received)?;
        let lost = owned.iter().filter(|event| !std::ptr::eq(**event, decided_by)).map(|event| {
            let why = if event.time == decided_by.time {
                Lost::Tie
            } else if event.received > decided_by.received {
                Lost::Stale
            } else {
                Lost::Older
            };
            LostWrite { event, why }
        });
        let lost = lost.collect();
        let variant = decided_by.writes.iter().find(|(written, _)| written == flag)?;
        Some(Explained { decided_by, variant: variant.1.as_deref(), lost })
    }
}
