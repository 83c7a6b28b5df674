use std::collections::BTreeMap;
use std::time::Instant;

use exposure_core::{Owner, ProfileState, Seen, Timestamp};
use exposure_store::ScanCursor;

use crate::ownership::Lookup;
use crate::page::{Bounds, Query, Writer};
use crate::{Caller, Handle, Listing, Page, Position, Result, Scope, ServiceError, meter};

/// Which profiles are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileQuery {
    /// The flag; required.
    pub flag_key: String,
    /// Only this variant.
    pub variant: Option<String>,
    /// By what profiles are found.
    pub basis: ProfileBasis,
    /// Only this run of the flag; an empty one means those that named none.
    pub experiment_key: Option<String>,
}

/// By what profiles are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProfileBasis {
    /// The profile has the property now.
    #[default]
    Property,
    /// The profile was exposed, whatever its property is now.
    Exposure,
}

/// One profile of a list, once for each variant it matches by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileEntry {
    /// The profile.
    pub profile: Owner,
    /// The variant of its property, or the one it was exposed to.
    pub variant: Box<str>,
    /// Its exposures to the variant.
    pub exposures: u64,
    /// The effective time of the first one; `None` without one.
    pub first_time: Option<Timestamp>,
    /// The effective time of the last one; `None` without one.
    pub last_time: Option<Timestamp>,
}

impl Handle {
    /// The profiles that have a property, or that were exposed. A page may be short, or even
    /// empty, before the end of the list.
    pub async fn list_profiles(
        &self,
        caller: &Caller,
        asked: &ProfileQuery,
        page: &Page,
    ) -> Result<Listing<ProfileEntry>> {
        caller.require(Scope::Read)?;
        if asked.flag_key.is_empty() {
            return Err(ServiceError::missing("flag_key", "`flag_key` is missing; name the flag"));
        }
        let started = Instant::now();
        let basis = if asked.basis == ProfileBasis::Property { "property" } else { "exposure" };
        let query = Query::new("profiles", caller.project())
            .with(Some(&asked.flag_key))
            .with(asked.variant.as_deref())
            .with(Some(basis))
            .with(asked.experiment_key.as_deref());
        let limit = page.limit(Bounds::LONG)?;
        let begin = query.place(page)?.map(|mut place| place.bytes()).transpose()?;
        let _permit = self.begin_scan()?;
        let position = Position::at(&self.store().feed_end());
        let lookup = Lookup::new(self, caller.project());
        let mut next = Some(ScanCursor(begin.unwrap_or_default()));
        let (mut items, mut n_found, mut n_read) = (Vec::new(), 0, 0);
        while let Some(from) = &next
            && n_found < limit
            && n_read < self.settings().max_scanned_profiles
        {
            // Never more profiles than the page has room for: it then ends between two.
            let chunk = (limit - n_found).min(CHUNK);
            let (owners, n_profiles, following) = lookup.owners(from, chunk).await?;
            n_read += n_profiles;
            for owner in &owners {
                let before = items.len();
                asked.entries(&lookup, owner, &mut items).await?;
                n_found += usize::from(items.len() > before);
            }
            next = following;
        }
        let next_page_token =
            next.map(|next| query.token(Writer::default().bytes(&next.0))).unwrap_or_default();
        meter::query("list_profiles", started.elapsed());
        Ok(Listing { items, next_page_token, position })
    }
}

const CHUNK: usize = 512;

impl ProfileQuery {
    async fn entries(
        &self,
        lookup: &Lookup<'_>,
        owner: &ProfileState,
        entries: &mut Vec<ProfileEntry>,
    ) -> Result<()> {
        let seen = lookup.seen(owner).await?;
        let of_run = seen.iter().filter(|(key, _)| {
            *key.flag == *self.flag_key
                && self.experiment_key.as_deref().is_none_or(|run| run == &*key.experiment_key)
        });
        let mut variants: BTreeMap<&str, Seen> = BTreeMap::new();
        for (key, seen) in of_run {
            let Some(variant) = key.variant.as_deref().filter(|&name| self.admits(name)) else {
                continue;
            };
            variants.entry(variant).and_modify(|held| *held = held.merged(*seen)).or_insert(*seen);
        }
        let entry = |variant: &str, seen: Option<&Seen>| ProfileEntry {
            profile: owner.id.clone(),
            variant: variant.into(),
            exposures: seen.map_or(0, |seen| seen.count),
            first_time: seen.map(|seen| seen.first),
            last_time: seen.map(|seen| seen.last),
        };
        match self.basis {
            ProfileBasis::Exposure => {
                entries.extend(variants.iter().map(|(variant, seen)| entry(variant, Some(seen))));
            }
            ProfileBasis::Property => {
                let registers = lookup.registers(owner).await?;
                let Some(register) = registers.get(&self.flag_key) else { return Ok(()) };
                let version = register.version();
                let of_run =
                    self.experiment_key.as_deref().is_none_or(|run| run == version.experiment_key);
                if let Some(variant) = register.variant().filter(|&name| self.admits(name))
                    && of_run
                {
                    entries.push(entry(variant, variants.get(variant)));
                }
            }
        }
        Ok(())
    }

    fn admits(&self, variant: &str) -> bool {
        self.variant.as_deref().is_none_or(|asked| asked == variant)
    }
}
