//! Bringing profiles back into memory.

use std::sync::atomic::Ordering;

use exposure_store::{Error, Result};

use super::{Inner, State};
use crate::checkpoint::SectionRef;
use crate::intern::Interner;
use crate::keys::ProfileKey;
use crate::state::{ColdRef, Found, InsertText, LongTexts, Profile, decode_profile, shard_of};

/// A profile on disk: its key, its place, and the section that the place is in.
pub(crate) type ColdProfile = (ProfileKey, ColdRef, Option<SectionRef>);

impl Inner {
    /// Which of the profiles are on disk only. Called under the state's lock, so that the places
    /// and the sections belong together.
    pub(crate) fn cold_among(
        &self,
        state: &State,
        keys: impl Iterator<Item = ProfileKey>,
    ) -> Vec<ColdProfile> {
        let mut cold = Vec::new();
        for key in keys {
            if let Found::Cold(at) = state.shard(key).find(key) {
                cold.push((key, at, self.sections.of_shard(shard_of(key))));
            }
        }
        cold.sort_unstable_by_key(|&(key, at, _)| (shard_of(key), at.offset));
        cold.dedup_by_key(|&mut (key, at, _)| (key, at));
        cold
    }

    /// Reads profiles back, without the lock, and puts them into memory; not those whose section
    /// was replaced meanwhile, which whoever needs them asks for again.
    pub(crate) fn warm(&self, cold: Vec<ColdProfile>) -> Result<()> {
        for (key, at, section) in cold {
            let section = section.ok_or_else(|| Error::Corrupt {
                file: "checkpoint/MANIFEST".into(),
                what: format!("there is no section of shard {}", shard_of(key)),
            })?;
            let (mut profile, long) = read_profile(&section, at, &self.interner)?;
            if profile.key != key {
                // 74 bits agree and the rest does not: such a pair has never been seen.
                return Err(section.corrupt(
                    at.offset as usize,
                    crate::frame::Malformed("a block is of another profile"),
                ));
            }
            profile.referenced = true;
            let mut state = self.state.lock();
            // Another section may have a later block of it at the same place.
            if self.sections.of_shard(shard_of(key)).is_none_or(|now| now.at != section.at) {
                continue;
            }
            let shard = state.shard_mut(key);
            adopt(&mut profile, &long, &mut shard.long);
            shard.warm(at, profile);
        }
        Ok(())
    }

    /// Sees a profile that it brings into memory first if need be; `None` where there is none.
    pub(crate) fn with_profile<T>(
        &self,
        key: ProfileKey,
        see: impl FnOnce(&Profile, &LongTexts, &crate::intern::Texts) -> T,
    ) -> Result<Option<T>> {
        loop {
            let cold = {
                let texts = self.interner.read();
                let state = self.state.lock();
                if let Some(profile) = state.hot(key) {
                    return Ok(Some(see(profile, &state.shard(key).long, &texts)));
                }
                if !self.any_cold.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                self.cold_among(&state, std::iter::once(key))
            };
            if cold.is_empty() {
                return Ok(None);
            }
            self.warm(cold)?;
        }
    }
}

/// Reads a profile that is on disk only, and the texts that its long insert ids are in.
pub(crate) fn read_profile(
    section: &SectionRef,
    at: ColdRef,
    interner: &Interner,
) -> Result<(Profile, LongTexts)> {
    let block = section.block(at)?;
    let mut long = LongTexts::default();
    let profile = decode_profile(&block, interner, &mut long)
        .map_err(|what| section.corrupt(at.offset as usize, what))?;
    Ok((profile, long))
}

/// Moves a profile's long insert ids to the texts of its shard.
pub(crate) fn adopt(profile: &mut Profile, from: &LongTexts, to: &mut LongTexts) {
    for cell in &mut profile.cells {
        let insert = cell.insert();
        let mut buffer = [0; 36];
        if InsertText::pack_short(insert.text(from, &mut buffer)).is_none() {
            let moved = InsertText::pack(insert.text(from, &mut [0; 36]), to);
            cell.replace_insert(moved);
        }
    }
}
