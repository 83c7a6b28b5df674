use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Instant;

use exposure_core::explain::{Candidate, Lost, judge};
use exposure_core::{Owner, Ownership, ProfileState};
use exposure_store::{StoredEvent, StoredWrite};

use super::{DuplicateSummary, ExplainedLink, ExplainedWrite, LostWrite, ProfileRef};
use crate::ownership::{Lookup, Share};
use crate::page::{Bounds, Query, Writer};
use crate::{Caller, Handle, Page, Position, Result, Scope, ServiceError, meter};

/// Why a profile has, or has not, a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whose property it is.
    pub profile: Owner,
    /// The flag.
    pub flag_key: Box<str>,
    /// The visible variant; `None` where the property is not visible.
    pub variant: Option<Box<str>>,
    /// The write that decides; `None` where none was ever made.
    pub decided_by: Option<ExplainedWrite>,
    /// A page of the writes that lost, the greatest first.
    pub lost: Vec<LostWrite>,
    /// The links that gave a device's writes to the profile.
    pub links: Vec<ExplainedLink>,
    /// Events of the profile that came more than once.
    pub duplicates: DuplicateSummary,
    /// Devices of the profile that so many users were seen on that their anonymous writes
    /// stay their own.
    pub shared_devices: Vec<Box<str>>,
    /// Continues the lost writes; empty at their end.
    pub next_page_token: String,
    /// The position at which it was true.
    pub position: Position,
}

/// The most links that one explanation shows.
const MAX_LINKS: usize = 1000;

impl Handle {
    /// Why a property is what it is: the deciding write, those that lost, links, duplicates.
    pub async fn explain(
        &self,
        caller: &Caller,
        profile: ProfileRef<'_>,
        flag_key: &str,
        page: &Page,
    ) -> Result<Explanation> {
        caller.require(Scope::Read)?;
        if flag_key.is_empty() {
            return Err(ServiceError::missing("flag_key", "`flag_key` is missing; name the flag"));
        }
        let started = Instant::now();
        let query = Query::new("explain", caller.project())
            .with(profile.user_id)
            .with(profile.device_id)
            .with(Some(flag_key));
        let limit = page.limit(Bounds::SHORT)?;
        let skipped = query.place(page)?.map(|mut place| place.number()).transpose()?;
        let skipped = usize::try_from(skipped.unwrap_or(0)).unwrap_or(usize::MAX);

        let position = Position::at(&self.store().feed_end());
        let lookup = Lookup::new(self, caller.project());
        let state = lookup.find(profile).await?;
        let shares = lookup.shares(&state).await?;
        let mut evidence = lookup.evidence(&state, &shares, flag_key).await?;
        // Of equal writes the first to arrive decides.
        evidence.events.sort_by_key(|event| event.position);
        let registers = lookup.merge_registers(&state, &shares);
        let register = registers.get(flag_key);

        let candidates: Vec<_> = evidence.writes().collect();
        let versions: Vec<_> = candidates
            .iter()
            .map(|(event, write)| Candidate {
                version: event.version(write),
                received: event.received,
            })
            .collect();
        let judged = judge(&versions);
        let decider = judged.as_ref().and_then(|(decider, _)| versions.get(*decider));
        // A register outlives the stored event of its write.
        let outlived = register
            .filter(|register| decider.is_none_or(|decider| decider.version < register.version()));
        let (decided_by, mut lost) = match (outlived, &judged) {
            (Some(register), _) => {
                let decider = register.version();
                let lost = versions.iter().enumerate().map(|(index, candidate)| {
                    let is_tie = candidate.version.time == decider.time;
                    (index, if is_tie { Lost::Tie } else { Lost::Older })
                });
                (Some(ExplainedWrite::of_register(register)), lost.collect())
            }
            (None, Some((decider, lost))) => {
                let write = candidates.get(*decider);
                (write.map(|(event, write)| ExplainedWrite::of(event, write)), lost.clone())
            }
            (None, None) => (None, Vec::new()),
        };
        lost.sort_by_key(|&(index, _)| {
            versions.get(index).map(|lost| Reverse((lost.version, Reverse(lost.received))))
        });
        let has_more = lost.len() > skipped.saturating_add(limit);
        let lost: Vec<_> = lost
            .into_iter()
            .skip(skipped)
            .take(limit)
            .filter_map(|(index, reason)| {
                let (event, write) = candidates.get(index)?;
                Some(LostWrite { write: ExplainedWrite::of(event, write), reason })
            })
            .collect();
        let next_page_token = if has_more {
            query.token(Writer::default().number((skipped + limit) as u64))
        } else {
            String::new()
        };
        let kept = self.settings().limits.duplicates_kept;
        let duplicates = lookup.duplicates(&state, &shares, kept).await?;
        meter::query("explain", started.elapsed());
        Ok(Explanation {
            variant: register.and_then(|register| register.variant()).map(Into::into),
            flag_key: flag_key.into(),
            decided_by,
            lost,
            links: evidence.links.into_iter().take(MAX_LINKS).collect(),
            duplicates,
            shared_devices: shares
                .iter()
                .filter_map(|share| match share {
                    Share::Shared { device } => Some(device.clone()),
                    Share::All(_) | Share::Split { .. } => None,
                })
                .chain(shared_itself(&state))
                .collect(),
            next_page_token,
            position,
            profile: state.id,
        })
    }
}

fn shared_itself(state: &ProfileState) -> Option<Box<str>> {
    match (&state.id, &state.links) {
        (Owner::Device(device), exposure_core::DeviceLinks::Shared) => Some(device.clone()),
        _ => None,
    }
}

/// Every stored event with a write of one flag that belongs to one profile.
struct Evidence {
    flag: Box<str>,
    events: Vec<StoredEvent>,
    links: BTreeSet<ExplainedLink>,
}

impl Evidence {
    fn writes(&self) -> impl Iterator<Item = (&StoredEvent, &StoredWrite)> {
        self.events.iter().flat_map(|event| {
            let of_flag = event.writes.iter().filter(|write| write.flag == self.flag);
            of_flag.map(move |write| (event, write))
        })
    }

    fn add(&mut self, event: StoredEvent) -> bool {
        let writes = event.writes.iter().any(|write| write.flag == self.flag);
        if writes {
            self.events.push(event);
        }
        writes
    }
}

impl Lookup<'_> {
    async fn evidence(
        &self,
        profile: &ProfileState,
        shares: &[Share],
        flag: &str,
    ) -> Result<Evidence> {
        let mut evidence =
            Evidence { flag: flag.into(), events: Vec::new(), links: BTreeSet::new() };
        let own = self.store().history(self.project(), profile.id.as_raw()).await?;
        let Owner::User(user) = &profile.id else {
            for event in own.into_iter().filter(|event| event.user.is_none()) {
                evidence.add(event);
            }
            return Ok(evidence);
        };
        for event in own {
            evidence.add(event);
        }
        for share in shares {
            match share {
                Share::All(state) => {
                    let events = self.store().history(self.project(), state.id.as_raw()).await?;
                    let mut used = false;
                    for event in events.into_iter().filter(|event| event.user.is_none()) {
                        used |= evidence.add(event);
                    }
                    for span in state.links.spans().iter().filter(|_| used) {
                        evidence.links.insert(ExplainedLink {
                            device_id: state.id.as_raw().as_str().into(),
                            time: span.earliest,
                            user_id: span.user.clone(),
                        });
                    }
                }
                Share::Split { device, history } => {
                    for event in &history.anonymous {
                        let owner = history.links.owner_at(event.time, self.users_per_device());
                        if owner != Ownership::User(user) || !evidence.add(event.clone()) {
                            continue;
                        }
                        let mut links = history.links.iter();
                        let before =
                            history.links.iter().rev().find(|link| link.time <= event.time);
                        if let Some(link) = before.or_else(|| links.next()) {
                            evidence.links.insert(ExplainedLink {
                                device_id: device.clone(),
                                time: link.time,
                                user_id: link.user.clone(),
                            });
                        }
                    }
                }
                Share::Shared { .. } => {}
            }
        }
        Ok(evidence)
    }
}
