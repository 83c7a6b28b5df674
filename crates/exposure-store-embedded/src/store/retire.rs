//! Retention: folds what leaves into whom it belongs to, then lets it go.
//!
//! A step takes the events of one part of the log, which are all in files. The anonymous ones
//! are folded device by device, in frames of their own; a device remembers how far it is, so a
//! step that a crash ends is done again without doing anything twice. The last frame of a step
//! moves the horizon, and only then do files go.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use exposure_core::{DeviceLinks, Links, Owner, Ownership, RawId, Registers, Settled};
use exposure_store::{Origin, ProjectId, Result, StateHash, StateHasher, StoredEvent};

use super::Inner;
use super::fold::{apply_fold, count_retired, intern_fold};
use super::prepare::Numbers;
use super::state::log_error;
use crate::frame::{Fold, Left, NO_POSITION, Retirement, encode_retirement};
use crate::keys::ProfileKey;
use crate::state::{Found, LongTexts, Profile, apply_event, settled_of};

/// Devices that are folded in one frame.
const DEVICES_AT_ONCE: usize = 64;

/// How long a step waits for an erasure before it looks again.
const WAIT: Duration = Duration::from_millis(1);

type Device = (ProjectId, Box<str>);

/// What folding a device does, and what that rests on.
struct Planned {
    device: Device,
    key: ProfileKey,
    /// Its latest record, and the erasures there were, when that was found out.
    last: u64,
    erasures: u64,
    folds: Vec<Fold>,
    removed: StateHash,
    n_removed: u64,
}

impl Inner {
    /// Lets go of every part of the log that came in too long ago.
    pub(crate) fn retire(&self) -> Result<()> {
        let _only = self.retiring.lock();
        while !self.closing.load(Ordering::Relaxed) {
            let due = self.state.lock().ledger.arrivals.due(self.retention_begins());
            let Some(to) = due.filter(|to| *to <= self.converted_position()) else { break };
            while !self.retire_to(to)? {}
        }
        Ok(())
    }

    /// Takes the horizon to a position; `false` where an erasure came between.
    fn retire_to(&self, to: u64) -> Result<bool> {
        let (from, erasures) = {
            let state = self.state.lock();
            (state.ledger.retired, state.erasures)
        };
        let mut last = Retirement { horizon: to, ..Retirement::default() };
        let mut removed = StateHash::default();
        let mut devices: Vec<Device> = Vec::new();
        self.events.expiring(from..to, |row| {
            if let Some(user) = row.user {
                let until = self.erased_until(row.project, RawId::User(&user.to_text()))?;
                if until.is_none_or(|until| row.time > until) {
                    removed.add(StateHasher::event(row.project, &row.to_event().as_admitted()));
                    last.n_removed += 1;
                }
                return Ok(());
            }
            let device =
                (row.project, row.device.map(crate::events::IdRef::to_text).unwrap_or_default());
            if devices.last() != Some(&device) {
                if devices.len() >= DEVICES_AT_ONCE {
                    self.fold(std::mem::take(&mut devices), to)?;
                }
                devices.push(device);
            }
            Ok::<_, exposure_store::Error>(())
        })?;
        self.fold(devices, to)?;
        // By itself, so that a crash finds the folds with the horizon or without it, whoever writes when.
        let folded = self.state.lock().ledger.position;
        self.log.wait_durable(folded).block().map_err(log_error)?;
        last.removed = removed.to_u128();
        let frame = encode_retirement(&last);
        let end = {
            let mut state = self.state.lock();
            if state.erasures != erasures {
                return Ok(false);
            }
            let base = self.log.lock().and_then(|mut log| log.push(&frame.bytes));
            state.ledger.position = base.map_err(log_error)? + frame.bytes.len() as u64;
            count_retired(&mut state.ledger, &last);
            state.ledger.position
        };
        // What is in files may only go when nothing asks for it any more: also not after a crash.
        self.log.wait_durable(end).block().map_err(log_error)?;
        self.retired.fetch_max(to, Ordering::Release);
        tracing::debug!(position = to, "stored events are past retention");
        Ok(true)
    }

    /// Folds the anonymous events of devices below a position.
    fn fold(&self, mut devices: Vec<Device>, to: u64) -> Result<()> {
        while !devices.is_empty() {
            while self.erasing.load(Ordering::Relaxed) > 0 {
                std::thread::sleep(WAIT);
            }
            let mut planned = Vec::new();
            for device in devices {
                planned.extend(self.plan_fold(device, to)?);
            }
            devices = self.commit_folds(planned)?;
        }
        Ok(())
    }

    /// What becomes of a device's anonymous events; `None` where that is done.
    fn plan_fold(&self, device: Device, to: u64) -> Result<Option<Planned>> {
        let (project, id) = (device.0, RawId::Device(&device.1));
        let key = self.secret.profile(project, id);
        let erasures = self.state.lock().erasures;
        let found = self.with_profile(key, |profile, _, _| {
            let more = profile.more.as_deref();
            let shared = more.is_some_and(|more| more.links == DeviceLinks::Shared);
            (profile.last, more.map_or(0, |more| more.folded_until), shared)
        })?;
        let Some((last, _, shared)) = found.filter(|&(_, until, _)| until < to) else {
            return Ok(None);
        };
        if last != NO_POSITION {
            self.log.wait_durable(last.saturating_add(1)).block().map_err(log_error)?;
        }
        let mut links = Links::default();
        for link in self.links_to(project, &device.1, last)? {
            links.add(link.time, &link.user);
        }
        let mut gained: BTreeMap<Owner, (Profile, LongTexts)> = BTreeMap::new();
        let mut left = (Profile::new(key, project, id), LongTexts::default());
        let (mut removed, mut n_removed) = (StateHash::default(), 0);
        for event in self.history_to(project, id, last)? {
            if event.user.is_some() {
                continue;
            }
            let part = if event.position >= to {
                &mut left
            } else {
                removed.add(StateHasher::event(project, &event.as_admitted()));
                n_removed += 1;
                let owner = match links.owner_at(event.time, self.options.limits.users_per_device) {
                    _ if shared => Ownership::Shared,
                    owner => owner,
                };
                gained
                    .entry(owner.owner(&device.1))
                    .or_insert_with(|| (Profile::new(key, project, id), LongTexts::default()))
            };
            self.apply_stored(project, &mut part.0, &mut part.1, &event)?;
        }
        let texts = self.interner.read();
        let whole = |part: &(Profile, LongTexts)| settled_of(&part.0, &texts, &part.1);
        let mut folded = Registers::default();
        for part in gained.values() {
            folded.merge_all(&whole(part).registers);
        }
        let own = gained.remove(&id.to_owner()).map_or_else(Settled::default, |own| whole(&own));
        let mut folds = vec![Fold {
            project,
            key,
            owner: id.to_owner(),
            gained: own,
            left: Some(Left { until: to, held: whole(&left), folded }),
        }];
        for (owner, part) in &gained {
            folds.push(Fold {
                project,
                key: self.secret.profile(project, owner.as_raw()),
                owner: owner.clone(),
                gained: whole(part),
                left: None,
            });
        }
        drop(texts);
        Ok(Some(Planned { device, key, last, erasures, folds, removed, n_removed }))
    }

    /// Logs and applies folds; returns the devices that changed since they were planned.
    fn commit_folds(&self, planned: Vec<Planned>) -> Result<Vec<Device>> {
        let folds = || planned.iter().flat_map(|planned| &planned.folds);
        for fold in folds() {
            intern_fold(fold, &self.interner)
                .map_err(|_| self.poison("there is no number left for a text".into()))?;
        }
        self.warm_keys(folds().map(|fold| fold.key))?;
        let texts = self.interner.read();
        let mut state = self.state.lock();
        let (mut changed, mut step, mut removed) =
            (Vec::new(), Retirement::default(), StateHash::default());
        for planned in planned {
            let same = state.stands_at(planned.key, planned.last);
            let any_cold = planned
                .folds
                .iter()
                .any(|fold| matches!(state.shard(fold.key).find(fold.key), Found::Cold(_)));
            if !same || any_cold || state.erasures != planned.erasures {
                changed.push(planned.device);
                continue;
            }
            removed.combine(planned.removed);
            step.n_removed += planned.n_removed;
            step.folds.extend(planned.folds);
        }
        if step.folds.is_empty() {
            return Ok(changed);
        }
        step.removed = removed.to_u128();
        let frame = encode_retirement(&step);
        let base = self.log.lock().and_then(|mut log| log.push(&frame.bytes)).map_err(log_error)?;
        for fold in &step.folds {
            apply_fold(&mut state, &texts, fold);
        }
        count_retired(&mut state.ledger, &step);
        state.rewrote(step.folds.iter().map(|fold| fold.key));
        state.ledger.position = base + frame.bytes.len() as u64;
        Ok(changed)
    }

    /// Merges a stored event into a profile that is being put together.
    pub(crate) fn apply_stored(
        &self,
        project: ProjectId,
        profile: &mut Profile,
        long: &mut LongTexts,
        event: &StoredEvent,
    ) -> Result<()> {
        let admitted = event.as_admitted();
        let origin =
            Origin { project, key: event.key, received: event.received, now: event.received };
        let keys = Numbers::new(&self.interner, &self.secret)
            .prepare(&origin, &admitted, None)
            .map_err(|_| self.poison("there is no number left for a text".into()))?;
        let texts = self.interner.read();
        let (own, packed) = (keys.own.as_ref(), keys.insert_text);
        apply_event(profile, long, &texts, &admitted, packed, own, &keys.extra);
        Ok(())
    }
}
