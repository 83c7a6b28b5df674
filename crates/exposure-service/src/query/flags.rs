use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use exposure_core::{Seen, SeenTable, Timestamp};

use super::cache::Summaries;
use super::scan::Owners;
use crate::ownership::Lookup;
use crate::page::{Bounds, Query, Writer};
use crate::{Caller, Handle, Listing, Page, Position, Result, Scope, meter};

/// A flag and who was exposed to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagSummary {
    /// The flag.
    pub flag_key: Box<str>,
    /// Its variants, by name.
    pub variants: Vec<VariantSummary>,
    /// Distinct profiles with an exposure to any variant.
    pub profiles: u64,
    /// Profiles with exposures to two or more variants.
    pub jumpers: u64,
}

/// A variant and who was exposed to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantSummary {
    /// The variant.
    pub variant: Box<str>,
    /// Distinct profiles with an exposure to it.
    pub profiles: u64,
    /// Its exposures.
    pub exposures: u64,
    /// The effective time of the first one.
    pub first_time: Timestamp,
    /// The effective time of the last one.
    pub last_time: Timestamp,
}

impl Handle {
    /// The flags of the project by key, retired ones left out.
    pub async fn list_flags(&self, caller: &Caller, page: &Page) -> Result<Listing<FlagSummary>> {
        caller.require(Scope::Read)?;
        let started = Instant::now();
        let query = Query::new("flags", caller.project());
        let limit = page.limit(Bounds::SHORT)?;
        let after = query.place(page)?.map(|mut place| place.text()).transpose()?;
        let cursor = self.store().feed_end();
        let position = Position::at(&cursor);
        let summaries = if let Some(known) = self.flag_cache().get(caller.project(), &cursor) {
            known
        } else {
            let _permit = self.begin_scan()?;
            let summaries = Lookup::new(self, caller.project()).summarize().await?;
            self.flag_cache().put(caller.project(), cursor, Arc::clone(&summaries));
            summaries
        };
        // Flags that were only assigned have no exposures, and are flags all the same.
        let flags = &caller.tenant.flags;
        let mut keys = flags.all();
        keys.extend(summaries.keys().filter(|flag| !flags.is_retired(flag)).cloned());
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|flag| after.as_ref().is_none_or(|after| **flag > **after));
        let is_last = keys.len() <= limit;
        keys.truncate(limit);
        let next_page_token = match keys.last() {
            Some(last) if !is_last => query.token(Writer::default().bytes(last.as_bytes())),
            _ => String::new(),
        };
        let items = keys.into_iter().map(|flag| match summaries.get(&flag) {
            Some(summary) => summary.clone(),
            None => FlagSummary { flag_key: flag, ..FlagSummary::default() },
        });
        let items = items.collect();
        meter::query("list_flags", started.elapsed());
        Ok(Listing { items, next_page_token, position })
    }
}

#[derive(Default)]
struct Counted {
    variants: BTreeMap<Box<str>, (u64, Option<Seen>)>,
    profiles: u64,
    jumpers: u64,
}

impl Lookup<'_> {
    async fn summarize(&self) -> Result<Summaries> {
        let mut flags: BTreeMap<Box<str>, Counted> = BTreeMap::new();
        let mut owners = Owners::new();
        while let Some(chunk) = owners.chunk(self).await? {
            for owner in &chunk {
                count(&mut flags, &self.seen(owner).await?);
            }
        }
        let summaries = flags.into_iter().map(|(flag_key, counted)| {
            let variants =
                counted.variants.into_iter().filter_map(|(variant, (profiles, seen))| {
                    let seen = seen?;
                    Some(VariantSummary {
                        variant,
                        profiles,
                        exposures: seen.count,
                        first_time: seen.first,
                        last_time: seen.last,
                    })
                });
            let summary = FlagSummary {
                flag_key: flag_key.clone(),
                variants: variants.collect(),
                profiles: counted.profiles,
                jumpers: counted.jumpers,
            };
            (flag_key, summary)
        });
        Ok(Arc::new(summaries.collect()))
    }
}

/// Adds what one profile saw.
fn count(flags: &mut BTreeMap<Box<str>, Counted>, seen: &SeenTable) {
    // A profile counts once for a variant, in how many runs of the flag it saw it.
    let mut of_profile: BTreeMap<(&str, &str), Seen> = BTreeMap::new();
    for (key, seen) in seen.iter() {
        let Some(variant) = key.variant.as_deref() else { continue };
        of_profile
            .entry((&key.flag, variant))
            .and_modify(|held| *held = held.merged(*seen))
            .or_insert(*seen);
    }
    let mut last: Option<(&str, u64)> = None;
    for ((flag, variant), seen) in of_profile {
        if !flags.contains_key(flag) {
            flags.insert(flag.into(), Counted::default());
        }
        let Some(counted) = flags.get_mut(flag) else { continue };
        let n_variants = match last {
            Some((held, n_variants)) if held == flag => n_variants + 1,
            _ => 1,
        };
        last = Some((flag, n_variants));
        match n_variants {
            1 => counted.profiles += 1,
            2 => counted.jumpers += 1,
            _ => {}
        }
        if let Some((profiles, total)) = counted.variants.get_mut(variant) {
            *profiles += 1;
            *total = Some(total.map_or(seen, |total| total.merged(seen)));
        } else {
            counted.variants.insert(variant.into(), (1, Some(seen)));
        }
    }
}
