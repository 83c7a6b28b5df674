use exposure_core::ProfileState;
use exposure_store::{EventFilter, ProjectId, ScanCursor, StateHash, StateHasher};

use crate::{Caller, Handle, Position, Result, Scope};

/// Profiles and events that are read at once.
const CHUNK: usize = 512;

impl Handle {
    /// The hash of the project's state, blind to the order of arrival and to other projects.
    ///
    /// Reads all of the project, so it is a diagnosis and not a query. While events come in, it
    /// may be that of no one moment; when none did since the position, it was true there.
    pub async fn state_hash(&self, caller: &Caller) -> Result<(StateHash, Position)> {
        caller.require(Scope::Admin)?;
        let _permit = self.begin_scan()?;
        let (store, project) = (self.store(), caller.project());
        let position = Position::at(&store.feed_end());
        let mut sum = StateHash::default();
        for row in store.usage(project, i64::MIN, i64::MAX).await? {
            sum.add(StateHasher::usage(project, &row));
        }
        let mut next = Some(ScanCursor::default());
        while let Some(from) = next {
            let page = store.scan_profiles(project, &from, CHUNK).await?;
            page.profiles.iter().for_each(|profile| add_profile(&mut sum, project, profile));
            next = page.next;
        }
        let mut next = Some(ScanCursor::default());
        while let Some(from) = next {
            let page = store.scan_events(project, EventFilter::default(), &from, CHUNK).await?;
            for event in &page.events {
                sum.add(StateHasher::event(project, &event.as_admitted()));
            }
            next = page.next;
        }
        Ok((sum, position))
    }
}

fn add_profile(sum: &mut StateHash, project: ProjectId, profile: &ProfileState) {
    let id = profile.id.as_raw();
    for (flag, register) in profile.registers.iter() {
        sum.add(StateHasher::register(project, id, flag, &register.version()));
    }
    for (key, seen) in profile.seen.iter() {
        sum.add(StateHasher::seen(project, id, key, *seen));
    }
    sum.add_settled(project, id, &profile.settled);
    sum.add_links(project, id.as_str(), &profile.links);
}
