//! What a store must hold: what was acknowledged, and of what was sent after it a beginning.

use std::collections::VecDeque;
use std::sync::Arc;

use exposure_core::{Effects, Limits, Owner, ProfileState, Timestamp};
use exposure_store::memory::{MemoryOptions, MemoryStore};
use exposure_store::{FeedEntry, ProjectId, Result, Store, StoredEvent};
use futures::executor::block_on;

use super::events::{Answer, PROJECTS, Request, owners};
use super::feed::{may_move, read_feed, told};

/// A request whose end is not known, in the order in which they went to the log.
#[derive(Debug)]
struct Pending {
    number: u64,
    request: Arc<Request>,
}

#[derive(Debug)]
pub(crate) struct Oracle {
    /// What is there for certain.
    pub(crate) reference: Arc<MemoryStore>,
    pending: VecDeque<Pending>,
    /// Stored events go after this long, and with them what can be compared.
    retention: Option<i64>,
    /// Batches of each project that are there, with the time they came in.
    pub(crate) n_applied: u64,
}

/// What became of what was not acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) survived: u64,
    pub(crate) lost: u64,
}

impl Oracle {
    pub(crate) fn new(limits: Limits, retention: Option<i64>) -> Self {
        let options = MemoryOptions { limits, ..MemoryOptions::default() };
        Self {
            reference: Arc::new(MemoryStore::with_options(options)),
            pending: VecDeque::new(),
            retention,
            n_applied: 0,
        }
    }

    pub(crate) fn sent(&mut self, number: u64, request: Arc<Request>) {
        self.pending.push_back(Pending { number, request });
    }

    /// A request was acknowledged, and whatever went to the log before it is durable too. Returns what it must have
    /// been answered, where the reference knows.
    pub(crate) fn acknowledged(&mut self, number: u64) -> Option<Answer> {
        let mut expected = None;
        while let Some(pending) = self.pending.pop_front_if(|pending| pending.number <= number) {
            let is_it = pending.number == number;
            let answer = self.apply(pending.request);
            expected = is_it.then_some(answer);
        }
        expected
    }

    fn apply(&mut self, request: Arc<Request>) -> Answer {
        self.n_applied += 1;
        block_on(request.send(Arc::clone(&self.reference))).unwrap()
    }

    pub(crate) fn n_pending(&self) -> usize {
        self.pending.len()
    }

    /// Finds out what of the rest is there after a crash: a beginning, in the order of the log.
    pub(crate) fn settle(&mut self, store: &impl Store) -> Verdict {
        let mut verdict = Verdict::default();
        let mut gone: Option<Arc<Request>> = None;
        for pending in std::mem::take(&mut self.pending) {
            if block_on(pending.request.is_in(store)).unwrap() {
                assert!(
                    gone.is_none(),
                    "{gone:?} is gone, and {:?} after it is not",
                    pending.request
                );
                self.apply(pending.request);
                verdict.survived += 1;
            } else {
                gone = Some(pending.request);
                verdict.lost += 1;
            }
        }
        verdict
    }

    /// Compares all that can be asked.
    pub(crate) fn compare(&self, store: &impl Store, now: Timestamp, keeps_feed: bool) {
        let reference = &*self.reference;
        for project in PROJECTS {
            let both = |what: &str, ours: Asked, theirs: Asked| {
                check_same(&format!("{what} of project {project}"), &ours, &theirs);
            };
            both("usage", usage(store, project), usage(reference, project));
            both("senders", senders(store, project), senders(reference, project));
            both("flags", flags(store, project), flags(reference, project));
            both("rejects", rejects(store, project), rejects(reference, project));
            for owner in owners() {
                self.compare_owner(store, project, &owner, now);
            }
            if keeps_feed {
                let (ours, theirs) = (whole_feed(store, project), whole_feed(reference, project));
                both("feed", ours.iter().map(told).collect(), theirs.iter().map(told).collect());
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    assert!(may_move(ours) || !may_move(theirs), "links moved by {theirs:?}");
                }
            }
        }
        let documents = |store: &dyn Store| block_on(store.documents("")).unwrap();
        assert_eq!(documents(store), documents(reference));
        if self.retention.is_none() {
            let hash = |store: &dyn Store| block_on(store.state_hash()).unwrap();
            assert_eq!(hash(store), hash(reference), "the state hash");
        }
    }

    fn compare_owner(&self, store: &impl Store, project: ProjectId, owner: &Owner, now: Timestamp) {
        let reference = &*self.reference;
        let id = owner.as_raw();
        let what = format!("{owner:?} of project {project}");
        let duplicates = |store: &dyn Store| block_on(store.duplicates(project, id)).unwrap();
        assert_eq!(duplicates(store), duplicates(reference), "duplicates of {what}");
        let (mut ours, mut theirs) =
            (history(store, project, owner), history(reference, project, owner));
        if let Some(retention) = self.retention {
            // Of writes that were folded, the reference knows less.
            ours.iter_mut().chain(&mut theirs).for_each(|event| event.effects = Effects::None);
            // Without gaps but for those that are old.
            let mut ours = ours.iter().peekable();
            for event in &theirs {
                if ours.peek() == Some(&event) {
                    ours.next();
                } else {
                    assert!(now.since(event.received) > retention, "{what} lacks {event:?}");
                }
            }
            assert_eq!(ours.next(), None, "{what} has more");
            return;
        }
        check_same(&format!("history of {what}"), &each(ours), &each(theirs));
        let profile = |store: &dyn Store| block_on(profile(store, project, owner)).unwrap();
        assert_eq!(profile(store), profile(reference), "{what}");
        let links = |store: &dyn Store| {
            let links = block_on(store.links(project, id.as_str())).unwrap();
            links.into_iter().map(|link| (link.time, link.user)).collect::<Vec<_>>()
        };
        if !id.is_user() {
            assert_eq!(links(store), links(reference), "links of {what}");
        }
    }

    /// Whether a profile that was read now is what is durable.
    pub(crate) fn check_read(&self, found: &Asked, project: ProjectId, owner: &Owner) {
        if self.retention.is_none() {
            let expected = block_on(profile(&*self.reference, project, owner)).unwrap();
            assert_eq!(*found, expected, "{owner:?} of project {project} was read");
        }
    }

    /// Everything that the feed ever had to tell, by events' numbers, and of what was erased nothing.
    pub(crate) fn fed(&self, project: ProjectId) -> Vec<FeedEntry> {
        whole_feed(&*self.reference, project)
    }
}

/// An answer as text: simple to compare, and to read where it differs.
type Asked = Vec<String>;

/// Names the first place where two lists differ.
fn check_same(what: &str, ours: &[String], theirs: &[String]) {
    if let Some(at) = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at))
    {
        panic!("{what} differs at {at}:\n  is {:?}\n not {:?}", ours.get(at), theirs.get(at));
    }
}

fn each<T: std::fmt::Debug>(of: impl IntoIterator<Item = T>) -> Asked {
    of.into_iter().map(|one| format!("{one:?}")).collect()
}

fn usage(store: &dyn Store, project: ProjectId) -> Asked {
    each(block_on(store.usage(project, i64::MIN, i64::MAX)).unwrap())
}

fn senders(store: &dyn Store, project: ProjectId) -> Asked {
    each(block_on(store.senders(project)).unwrap())
}

fn flags(store: &dyn Store, project: ProjectId) -> Asked {
    each(block_on(store.flags(project)).unwrap())
}

fn rejects(store: &dyn Store, project: ProjectId) -> Asked {
    let mut rejects = block_on(store.rejects(project, None, 1000)).unwrap();
    for reject in &mut rejects {
        reject.position = 0;
    }
    each(rejects)
}

/// What is kept of a profile.
pub(crate) async fn profile<S: Store + ?Sized>(
    store: &S,
    project: ProjectId,
    owner: &Owner,
) -> Result<Asked> {
    let mut found = store.profile(project, owner.as_raw()).await?;
    if let Some(found) = &mut found {
        found.devices.sort_unstable();
    }
    // Of whom all is erased without being erased itself, a store may know or not that it was there.
    Ok(each(found.filter(|found| *found != ProfileState::empty(owner.clone()))))
}

fn history(store: &dyn Store, project: ProjectId, owner: &Owner) -> Vec<StoredEvent> {
    let mut events = block_on(store.history(project, owner.as_raw())).unwrap();
    for event in &mut events {
        event.position = 0;
    }
    events
}

fn whole_feed(store: &dyn Store, project: ProjectId) -> Vec<FeedEntry> {
    read_feed(store, project, &store.feed_start()).unwrap().0
}
