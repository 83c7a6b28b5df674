//! Bringing profiles back into memory.

use std::sync::atomic::Ordering;

use exposure_store::{Error, Result};

use super::{Inner, State};
use crate::checkpoint::SectionRef;
use crate::frame::Malformed;
use crate::intern::{Interner, Numbering};
use crate::keys::ProfileKey;
use crate::prefetch;
use crate::state::{ColdRef, InsertText, LongTexts, Profile, decode_profile, shard_of};

/// A profile on disk: its key, its place, and the section that the place is in.
pub(crate) type ColdProfile = (ProfileKey, ColdRef, Option<SectionRef>);

/// Keys whose lines of the index are asked for ahead of the one that is looked at.
const AHEAD: usize = 16;
/// Profiles that are put into memory under the lock at a time.
const AT_ONCE: usize = 32;

impl Inner {
    /// Which of the profiles are on disk only. Called under the state's lock, so that the places
    /// and the sections belong together.
    pub(crate) fn cold_among(
        &self,
        state: &State,
        keys: impl Iterator<Item = ProfileKey>,
    ) -> Vec<ColdProfile> {
        let keys: Vec<ProfileKey> = keys.collect();
        let ask = |key: &ProfileKey| prefetch::line(state.shard(*key).index_line(*key));
        keys.iter().take(AHEAD).for_each(ask);
        let mut cold = Vec::new();
        for (index, &key) in keys.iter().enumerate() {
            keys.get(index + AHEAD).iter().copied().for_each(ask);
            if let Some(at) = state.shard(key).find_cold(key) {
                cold.push((key, at, self.sections.numbered(shard_of(key), at.section)));
            }
        }
        cold.sort_unstable_by_key(|&(key, at, _)| (shard_of(key), at.section, at.offset));
        cold.dedup_by_key(|&mut (key, at, _)| (key, at));
        cold
    }

    /// Reads profiles back, without the lock, and puts them into memory; not those whose section
    /// was replaced meanwhile, which whoever needs them asks for again.
    ///
    /// All of them are asked for before the first one is read: the disk works on many at a time.
    pub(crate) fn warm(&self, cold: &[ColdProfile]) -> Result<()> {
        for (_, at, section) in cold {
            if let Some(section) = section {
                section.ask_for(*at);
            }
        }
        let mut read = Vec::with_capacity(cold.len().min(AT_ONCE));
        for cold in cold.chunks(AT_ONCE) {
            for (key, at, section) in cold {
                let (key, at) = (*key, *at);
                let section = section.as_ref().ok_or_else(|| Error::Corrupt {
                    file: "checkpoint/MANIFEST".into(),
                    what: format!("there is no section {} of shard {}", at.section, shard_of(key)),
                })?;
                let (profile, long) = read_profile(section, at, &self.interner)?;
                if profile.key != key {
                    // 74 bits agree and the rest does not: such a pair has never been seen.
                    let what = Malformed("a block is of another profile");
                    return Err(section.corrupt(at.offset as usize, what));
                }
                read.push((at, section, profile, long));
            }
            let mut state = self.state.lock();
            for (at, section, mut profile, long) in read.drain(..) {
                let number = shard_of(profile.key);
                // Another section may have a later block of it at the same place.
                let now = self.sections.numbered(number, at.section);
                if now.is_none_or(|now| now.at != section.at) {
                    continue;
                }
                profile.referenced = true;
                let shard = &mut state.shards[number];
                adopt(&mut profile, &long, &mut shard.long);
                shard.warm(at, profile);
            }
        }
        Ok(())
    }

    /// Brings profiles into memory that a batch touches, before its turn. Returns the number of evictions at a moment
    /// when all of them were there; nothing where they went again as fast as they came.
    pub(crate) fn warm_ahead(&self, keys: &[ProfileKey]) -> Result<Option<u64>> {
        for _ in 0..2 {
            let cold = {
                let state = self.state.lock();
                let cold = self.cold_among(&state, keys.iter().copied());
                if cold.is_empty() {
                    return Ok(Some(state.evictions));
                }
                cold
            };
            self.warm(&cold)?;
        }
        Ok(None)
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
            self.warm(&cold)?;
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
    let profile = decode_profile(&block, &mut Numbering::new(interner), &mut long)
        .map_err(|what| section.corrupt(at.offset as usize, what))?;
    Ok((profile, long))
}

/// Moves a profile's long insert ids to the texts of its shard.
pub(crate) fn adopt(profile: &mut Profile, from: &LongTexts, to: &mut LongTexts) {
    for cell in &mut profile.cells {
        let insert = cell.insert();
        if insert.is_long() {
            let moved = InsertText::pack(insert.text(from, &mut [0; 36]), to);
            cell.replace_insert(moved);
        }
    }
}
