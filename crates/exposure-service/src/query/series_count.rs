use std::collections::BTreeMap;

use exposure_core::{Owner, ProfileState, Seen, SeenKey, Timestamp};
use exposure_store::{EventFilter, ScanCursor};

use super::SeriesQuery;
use super::buckets::Buckets;
use super::scan::Owners;
use crate::Result;
use crate::ownership::{Lookup, Share};

/// What is counted of a flag's exposures, by bucket and variant.
///
/// Memory is that of the answer: profiles are counted from what each saw first, one after the
/// other, and exposures from stored events, without looking at whose they are.
pub(super) struct Counts<'q> {
    asked: &'q SeriesQuery,
    starts: Buckets,
    pub(super) buckets: BTreeMap<Timestamp, BTreeMap<Box<str>, Counted>>,
    pub(super) profiles: u64,
    pub(super) jumpers: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) new_profiles: u64,
    pub(super) exposures: u64,
}

/// Events read at once.
const CHUNK: usize = 4096;

impl<'q> Counts<'q> {
    pub(super) fn new(asked: &'q SeriesQuery) -> Result<Self> {
        Ok(Self {
            asked,
            starts: Buckets::new(&asked.time_zone, asked.interval)?,
            buckets: BTreeMap::new(),
            profiles: 0,
            jumpers: 0,
        })
    }

    /// Counts each profile at its first exposure to each variant.
    pub(super) async fn count_profiles(&mut self, lookup: &Lookup<'_>) -> Result<()> {
        let mut owners = Owners::new();
        while let Some(chunk) = owners.chunk(lookup).await? {
            for owner in &chunk {
                let firsts = self.firsts(lookup, owner).await?;
                self.profiles += u64::from(!firsts.is_empty());
                self.jumpers += u64::from(firsts.len() > 1);
                for (variant, first) in firsts {
                    self.at(first, &variant)?.new_profiles += 1;
                }
            }
        }
        Ok(())
    }

    /// Counts the exposures themselves.
    pub(super) async fn count_exposures(&mut self, lookup: &Lookup<'_>) -> Result<()> {
        let filter = EventFilter { flag: Some(&self.asked.flag_key), exposures_only: true };
        let mut next = Some(ScanCursor::default());
        while let Some(from) = next {
            let page = lookup.store().scan_events(lookup.project(), filter, &from, CHUNK).await?;
            for event in page.events {
                if let Some(key) = &event.exposed
                    && let Some(variant) = self.variant(key)
                    && self.in_range(event.time)
                {
                    self.at(event.time, variant)?.exposures += 1;
                }
            }
            next = page.next;
        }
        Ok(())
    }

    fn at(&mut self, time: Timestamp, variant: &str) -> Result<&mut Counted> {
        let start = self.starts.start_of(time)?;
        let bucket = self.buckets.entry(start).or_default();
        if !bucket.contains_key(variant) {
            bucket.insert(variant.into(), Counted::default());
        }
        Ok(bucket.entry(variant.into()).or_default())
    }

    /// The first exposure of a profile to each variant, within the range.
    async fn firsts(
        &self,
        lookup: &Lookup<'_>,
        owner: &ProfileState,
    ) -> Result<BTreeMap<Box<str>, Timestamp>> {
        let seen = lookup.seen(owner).await?;
        let mut firsts = BTreeMap::new();
        for (key, seen) in seen.iter() {
            let Some(variant) = self.variant(key) else { continue };
            // The first one lies before the range and the last one does not: only the stored
            // events tell which is the first within it.
            if self.asked.from.is_some_and(|from| seen.first < from && seen.last >= from) {
                return self.firsts_of_events(lookup, owner).await;
            }
            self.add_first(&mut firsts, variant, *seen);
        }
        Ok(firsts)
    }

    async fn firsts_of_events(
        &self,
        lookup: &Lookup<'_>,
        owner: &ProfileState,
    ) -> Result<BTreeMap<Box<str>, Timestamp>> {
        let mut firsts = BTreeMap::new();
        for (key, time) in lookup.exposures(owner).await? {
            if let Some(variant) = self.variant(&key) {
                self.add_first(&mut firsts, variant, Seen::once(time));
            }
        }
        Ok(firsts)
    }

    fn add_first(&self, firsts: &mut BTreeMap<Box<str>, Timestamp>, variant: &str, seen: Seen) {
        if !self.in_range(seen.first) {
            return;
        }
        match firsts.get_mut(variant) {
            Some(first) => *first = seen.first.min(*first),
            None => {
                firsts.insert(variant.into(), seen.first);
            }
        }
    }

    fn in_range(&self, time: Timestamp) -> bool {
        self.asked.from.is_none_or(|from| time >= from) && self.asked.to.is_none_or(|to| time < to)
    }

    /// The variant, where the exposure is one of the flag and the run that are asked for.
    fn variant<'k>(&self, key: &'k SeenKey) -> Option<&'k str> {
        let of_flag = *key.flag == *self.asked.flag_key;
        let of_run =
            self.asked.experiment_key.as_deref().is_none_or(|run| run == &*key.experiment_key);
        key.variant.as_deref().filter(|_| of_flag && of_run)
    }
}

impl Lookup<'_> {
    /// The stored exposures of a profile.
    async fn exposures(&self, owner: &ProfileState) -> Result<Vec<(SeenKey, Timestamp)>> {
        let own = self.store().history(self.project(), owner.id.as_raw()).await?;
        let Owner::User(user) = &owner.id else {
            let own = own.into_iter().filter(|event| event.user.is_none());
            return Ok(own.filter_map(|event| Some((event.exposed?, event.time))).collect());
        };
        let mut exposures: Vec<_> =
            own.into_iter().filter_map(|event| Some((event.exposed?, event.time))).collect();
        for share in self.shares(owner).await? {
            match share {
                Share::All(state) => {
                    let events = self.store().history(self.project(), state.id.as_raw()).await?;
                    let events = events.into_iter().filter(|event| event.user.is_none());
                    exposures.extend(events.filter_map(|event| Some((event.exposed?, event.time))));
                }
                Share::Split { history, .. } => {
                    let of_user = history
                        .exposures()
                        .filter(|&(_, time)| history.is_of(user, time, self.users_per_device()));
                    exposures.extend(of_user.map(|(key, time)| (key.clone(), time)));
                }
                Share::Shared { .. } => {}
            }
        }
        Ok(exposures)
    }
}
