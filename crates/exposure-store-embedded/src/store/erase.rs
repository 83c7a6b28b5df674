//! Erasing a user: what is left of it, and of devices that nobody else was seen on.

use std::sync::atomic::{AtomicUsize, Ordering};

use exposure_core::{DeviceLinks, Owner, RawId, Registers, Seen, SeenTable, Settled, Timestamp};
use exposure_store::{Error, ProjectId, Result, StateHash, StateHasher, StoredEvent};

use super::state::log_error;
use super::{Inner, State};
use crate::frame::{Erasure, Malformed, NO_POSITION, encode_erasure};
use crate::intern::{Interner, Numbering};
use crate::keys::ProfileKey;
use crate::state::{
    Found, Ledger, LongTexts, Profile, absorb, decode_profile, encode_profile, intern_texts,
    profile_state, settled_of, shard_of,
};

/// A profile that is to be erased.
struct Planned {
    erasure: Erasure,
    /// Its latest record when that was found out.
    last: u64,
    /// Whether there was anything of it.
    was_known: bool,
}

/// While it is there, retention folds nothing.
struct Erasing<'i>(&'i AtomicUsize);

impl<'i> Erasing<'i> {
    fn begin(count: &'i AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Erasing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How often an erasure begins again because its profiles changed meanwhile.
const ATTEMPTS: usize = 100;

impl Inner {
    /// Erases a user up to a time; returns how many profiles.
    pub(crate) async fn erase(
        &self,
        project: ProjectId,
        user: &str,
        until: Timestamp,
    ) -> Result<u64> {
        self.check_writable()?;
        let _waiting = Erasing::begin(&self.erasing);
        for _ in 0..ATTEMPTS {
            let rewrites = self.state.lock().rewrites;
            let planned = self.plan(project, user, until).await?;
            let frame = encode_erasure(planned.iter().map(|planned| &planned.erasure));
            self.warm_keys(planned.iter().map(|planned| planned.erasure.key))?;
            // Decoding adds texts, which nobody may do under the state's lock.
            let left =
                planned.iter().map(|planned| decode_erased(&planned.erasure, &self.interner));
            let left = left
                .collect::<std::result::Result<Vec<_>, _>>()
                .map_err(|what| self.poison(what.to_string()))?;
            let end = {
                let mut state = self.state.lock();
                let same = planned
                    .iter()
                    .all(|planned| state.stands_at(planned.erasure.key, planned.last));
                if !same || state.rewrites != rewrites {
                    continue;
                }
                let mut appender = self.log.lock().map_err(log_error)?;
                let base = appender.push(&frame.bytes).map_err(log_error)?;
                let end = base + frame.bytes.len() as u64;
                drop(appender);
                state.ledger.position = end;
                let erasures = planned.iter().map(|planned| &planned.erasure);
                state.purges.add(&(base..end), erasures);
                for (planned, (profile, long)) in planned.iter().zip(left) {
                    forget(&mut state.ledger, &planned.erasure);
                    put_erased(&mut state, profile, &long);
                }
                state.rewrote(planned.iter().map(|planned| planned.erasure.key));
                state.erasures += 1;
                self.any_erased.store(true, Ordering::Relaxed);
                self.erased_end.fetch_max(end, Ordering::Relaxed);
                end
            };
            self.log.wait_durable(end).await.map_err(log_error)?;
            return Ok(planned.iter().filter(|planned| planned.was_known).count() as u64);
        }
        Err(Error::Exhausted {
            what: "the user's profile changes faster than it can be erased".into(),
            retry_after: std::time::Duration::from_secs(1),
        })
    }

    /// What is to be erased, and where each profile stood when that was found out.
    async fn plan(&self, project: ProjectId, user: &str, until: Timestamp) -> Result<Vec<Planned>> {
        let id = RawId::User(user);
        let key = self.secret.profile(project, id);
        let devices = self
            .with_profile(key, |profile, _, _| {
                profile.more.as_ref().map_or_else(Vec::new, |more| more.devices.clone())
            })?
            .unwrap_or_default();
        let mut erasures = vec![self.wiped(project, id, until).await?];
        for device in devices {
            let device = RawId::Device(&device);
            let key = self.secret.profile(project, device);
            let links = self
                .with_profile(key, |profile, _, _| {
                    profile.more.as_ref().map(|more| more.links.clone())
                })?
                .flatten();
            match links {
                Some(DeviceLinks::One(span)) if *span.user == *user => {
                    erasures.push(self.wiped(project, device, until).await?);
                }
                Some(DeviceLinks::Many(_)) => {
                    erasures.extend(self.unlinked(project, device, user, until).await?);
                }
                _ => {}
            }
        }
        Ok(erasures)
    }

    /// A profile of which only what is later stays.
    async fn wiped(&self, project: ProjectId, id: RawId<'_>, until: Timestamp) -> Result<Planned> {
        let key = self.secret.profile(project, id);
        let last = self.with_profile(key, |profile, _, _| profile.last)?.unwrap_or(NO_POSITION);
        let activity = self.with_profile(key, |profile, _, _| profile.activity)?.unwrap_or(0);
        let until = self.erased_until(project, id)?.map_or(until, |before| before.max(until));
        let history = self.history(project, id).await?;
        let mut removed = StateHash::default();
        let mut n_removed = 0;
        let mut profile = Profile::new(key, project, id);
        let mut long = LongTexts::default();
        profile.last = last;
        profile.activity = activity;
        profile.more().erased_until = Some(until);
        for event in &history {
            let is_own = event.raw() == id;
            if event.time <= until {
                if is_own {
                    removed.add(StateHasher::event(project, &event.as_admitted()));
                    n_removed += 1;
                }
            } else if is_own {
                self.rebuild(project, &mut profile, &mut long, event)?;
            }
        }
        let was_kept = self.keep_retired(project, &mut profile, &mut long, until).await?;
        if history.iter().all(|event| event.time <= until) && is_nobody(&profile) {
            // Nothing names it any more: its id goes too.
            profile.id = "".into();
        }
        let block = self.encode(&profile, &long);
        let (owner, removed) = (id.to_owner(), removed.to_u128());
        let erasure = Erasure { project, key, owner, until, block, removed, n_removed };
        // Events beside the user go with the user, which is erased first.
        let was_known =
            history.iter().any(|event| event.raw() == id || event.time > until) || was_kept;
        Ok(Planned { erasure, last, was_known })
    }

    fn rebuild(
        &self,
        project: ProjectId,
        profile: &mut Profile,
        long: &mut LongTexts,
        event: &StoredEvent,
    ) -> Result<()> {
        self.apply_stored(project, profile, long, event)?;
        if let (true, Some(device)) = (profile.is_user, &event.device) {
            let devices = &mut profile.more().devices;
            if !devices.contains(device) {
                devices.push(device.clone());
            }
        }
        Ok(())
    }

    /// Adds what lies after the erasure and whose stored events retention let go, and the links;
    /// says whether there was anything before.
    async fn keep_retired(
        &self,
        project: ProjectId,
        profile: &mut Profile,
        long: &mut LongTexts,
        until: Timestamp,
    ) -> Result<bool> {
        let before = self.with_profile(profile.key, |held, long, texts| {
            let more = held.more.as_deref();
            let folded = more.and_then(|more| more.folded.clone());
            let folded_until = more.map_or(0, |more| more.folded_until);
            (profile_state(held, texts, long), folded, folded_until)
        })?;
        let Some((before, folded, folded_until)) = before else { return Ok(false) };
        let was_kept = !before.registers.is_empty()
            || !before.seen.is_empty()
            || !before.settled.is_empty()
            || !before.devices.is_empty();
        if profile.is_user {
            let now = settled_of(profile, &self.interner.read(), long);
            let kept = later(&before.registers, &before.seen, &now, until);
            intern_texts(&kept, &self.interner)
                .map_err(|_| self.poison("there is no number left for a text".into()))?;
            absorb(profile, long, &self.interner.read(), &kept);
            for device in before.devices {
                let key = self.secret.profile(project, RawId::Device(&device));
                let is_linked = self.with_profile(key, |held, _, _| {
                    let links = held.more.as_ref().map_or(&[][..], |more| more.links.spans());
                    links.iter().any(|span| *span.user == *profile.id && span.latest > until)
                })?;
                let devices = &mut profile.more().devices;
                if is_linked == Some(true) && !devices.contains(&device) {
                    devices.push(device);
                }
            }
            return Ok(was_kept);
        }
        let none = Settled::default();
        let kept = later(&before.settled.registers, &before.settled.seen, &none, until);
        let device = profile.id.clone();
        let more = profile.more();
        more.settled = Some(kept).filter(|kept| !kept.is_empty()).map(Box::new);
        more.folded_until = folded_until;
        more.folded = folded.map(|mut folded| {
            folded.hide_until(until);
            folded
        });
        for link in self.links(project, &device).await? {
            if link.time > until {
                more.links.add(&link.user, link.time, self.options.limits.users_per_device);
            }
        }
        Ok(was_kept)
    }

    /// A device of several users, without one of them.
    async fn unlinked(
        &self,
        project: ProjectId,
        id: RawId<'_>,
        user: &str,
        until: Timestamp,
    ) -> Result<Option<Planned>> {
        let key = self.secret.profile(project, id);
        let last = self.with_profile(key, |profile, _, _| profile.last)?.unwrap_or(NO_POSITION);
        let stays = self.links(project, id.as_str()).await?;
        let stays = stays.iter().filter(|link| *link.user == *user && link.time > until);
        // In order of time.
        let earliest = stays.map(|link| link.time).next();
        self.warm_keys(std::iter::once(key))?;
        let texts = self.interner.read();
        let mut state = self.state.lock();
        let Found::Hot(number) = state.shard(key).find(key) else { return Ok(None) };
        let Some((profile, long)) = state.shard_mut(key).parts(number) else { return Ok(None) };
        let mut changed = clone_profile(profile);
        let links = &mut changed.more().links;
        let mut left = DeviceLinks::None;
        for span in links.spans() {
            let span = span.clone();
            if *span.user == *user {
                for time in earliest.into_iter().chain(earliest.map(|_| span.latest)) {
                    left.add(&span.user, time, usize::MAX);
                }
            } else {
                left.add(&span.user, span.earliest, usize::MAX);
                left.add(&span.user, span.latest, usize::MAX);
            }
        }
        *links = left;
        let mut block = Vec::new();
        encode_profile(&mut block, &changed, &texts, long);
        let owner = Owner::Device(id.as_str().into());
        // Nothing of the device itself is erased.
        let until = Timestamp::MIN;
        let erasure = Erasure { project, key, owner, until, block, removed: 0, n_removed: 0 };
        Ok(Some(Planned { erasure, last, was_known: false }))
    }

    fn encode(&self, profile: &Profile, long: &LongTexts) -> Vec<u8> {
        let mut block = Vec::new();
        encode_profile(&mut block, profile, &self.interner.read(), long);
        block
    }

    /// Brings profiles into memory.
    pub(crate) fn warm_keys(&self, keys: impl Iterator<Item = ProfileKey>) -> Result<()> {
        let cold = {
            let state = self.state.lock();
            self.cold_among(&state, keys)
        };
        self.warm(&cold)
    }
}

/// What of a profile lies after a time and not in `stored`, which its stored events make.
///
/// Of exposures from both sides of the time only the last one is known to be later.
fn later(registers: &Registers, seen: &SeenTable, stored: &Settled, until: Timestamp) -> Settled {
    let mut kept = Settled { registers: registers.clone(), seen: SeenTable::default() };
    kept.registers.hide_until(until);
    for (key, seen) in seen.iter() {
        let held = stored.seen.get(key);
        let n_held = held.map_or(0, |held| held.count);
        if seen.first > until && seen.count > n_held {
            kept.seen.add(key.clone(), Seen { count: seen.count - n_held, ..*seen });
        } else if seen.first <= until
            && seen.last > until
            && held.is_none_or(|held| held.last < seen.last)
        {
            kept.seen.add(key.clone(), Seen::once(seen.last));
        }
    }
    kept
}

/// Whether nothing names a profile any more.
fn is_nobody(profile: &Profile) -> bool {
    let more = profile.more.as_deref();
    profile.cells.is_empty()
        && more.is_none_or(|more| {
            more.seen.is_empty()
                && more.devices.is_empty()
                && more.settled.is_none()
                && more.links == DeviceLinks::None
        })
}

/// Reads what is left of a profile.
pub(crate) fn decode_erased(
    erasure: &Erasure,
    interner: &Interner,
) -> std::result::Result<(Profile, LongTexts), Malformed> {
    let mut long = LongTexts::default();
    let profile = decode_profile(&erasure.block, &mut Numbering::new(interner), &mut long)?;
    Ok((profile, long))
}

/// Puts what is left of a profile in its place. It must be in memory, or nowhere.
pub(crate) fn put_erased(state: &mut State, mut profile: Profile, long: &LongTexts) {
    let shard = &mut state.shards[shard_of(profile.key)];
    super::warm::adopt(&mut profile, long, &mut shard.long);
    profile.referenced = true;
    profile.unsaved = true;
    // What was there before it must not stay on disk.
    shard.holds_erased = true;
    match shard.find(profile.key) {
        Found::Hot(number) => {
            if let Some((held, long)) = shard.parts(number) {
                let before = held.memory();
                held.cells.iter().for_each(|cell| cell.insert().release(long));
                *held = profile;
                let after = held.memory();
                shard.resized(before, after);
            }
        }
        Found::Cold(_) | Found::Nothing => {
            shard.insert(profile);
        }
    }
}

/// Takes an erased profile out of what is counted and kept beside profiles.
pub(crate) fn forget(ledger: &mut Ledger, erasure: &Erasure) {
    ledger.events.remove(erasure.removed);
    ledger.n_events = ledger.n_events.saturating_sub(erasure.n_removed);
    if erasure.until == Timestamp::MIN {
        return;
    }
    if let Some(rejects) = ledger.rejects.get_mut(&erasure.project) {
        rejects.retain(|reject| {
            reject.named.as_ref() != Some(&erasure.owner) || reject.received > erasure.until
        });
    }
}

fn clone_profile(profile: &Profile) -> Profile {
    Profile {
        key: profile.key,
        last: profile.last,
        activity: profile.activity,
        id: profile.id.clone(),
        project: profile.project,
        is_user: profile.is_user,
        referenced: true,
        unsaved: true,
        flags: profile.flags.clone(),
        cells: profile.cells.clone(),
        more: profile.more.clone(),
    }
}
