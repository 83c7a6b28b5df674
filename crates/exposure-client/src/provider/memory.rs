use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Batch, BatchLimits, Delivery, ExposureProvider, SendError, async_trait};
use crate::{Exposure, InsertId};

/// Keeps exposures in memory and answers as a test tells it to. Cheap to clone; clones share all.
///
/// ```
/// use exposure_client::{ExposureClient, User, Variant, provider::MemoryProvider, source_fn};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let received = MemoryProvider::new();
/// let client = ExposureClient::builder(source_fn(|_, _| Some(Variant::new("on"))))
///     .provider(received.clone())
///     .build()?;
/// client.variant(&User::new("user-1"), "checkout");
/// client.blocking().flush();
/// assert_eq!(&*received.exposures()[0].flag_key, "checkout");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryProvider(Arc<Inner>);

struct Inner {
    name: String,
    limits: BatchLimits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: Vec<Arc<Exposure>>,
    known: BTreeSet<InsertId>,
    n_batches: u64,
    script: VecDeque<Reply>,
    forever: Option<Answer>,
}

type Answer = Arc<dyn Fn(&Batch) -> Reply + Send + Sync>;

/// How a [`MemoryProvider`] answers a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It takes all of it.
    Take,
    /// It answers so for each exposure, in order; those past the end get no answer.
    Each(Vec<Delivery>),
    /// It takes all of it, and the answer is lost on the way.
    TakeAndFail(SendError),
    /// It takes nothing.
    Fail(SendError),
    /// It panics.
    Panic,
    /// It never answers.
    Hang,
}

impl MemoryProvider {
    /// A provider named `memory` that takes all.
    pub fn new() -> Self {
        Self::named("memory")
    }

    /// A provider of this name that takes all.
    pub fn named(name: impl Into<String>) -> Self {
        Self::with_limits(name, BatchLimits::default())
    }

    /// A provider that wants no more than this at once.
    pub fn with_limits(name: impl Into<String>, limits: BatchLimits) -> Self {
        Self(Arc::new(Inner { name: name.into(), limits, state: Mutex::default() }))
    }

    /// Answers the next batch so; called more than once, those after it.
    pub fn then(&self, reply: Reply) {
        self.0.state.lock().script.push_back(reply);
    }

    /// Answers batches so that nothing was said for.
    pub fn always(&self, answer: impl Fn(&Batch) -> Reply + Send + Sync + 'static) {
        self.0.state.lock().forever = Some(Arc::new(answer));
    }

    /// What it took, each exposure once, as a receiver keeps it that knows insert ids.
    pub fn exposures(&self) -> Vec<Arc<Exposure>> {
        self.0.state.lock().taken.clone()
    }

    /// How many batches came.
    pub fn n_batches(&self) -> u64 {
        self.0.state.lock().n_batches
    }
}

impl State {
    fn take(&mut self, exposure: &Arc<Exposure>) {
        if self.known.insert(exposure.insert_id) {
            self.taken.push(Arc::clone(exposure));
        }
    }
}

#[async_trait]
impl ExposureProvider for MemoryProvider {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn limits(&self) -> BatchLimits {
        self.0.limits
    }

    async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
        let (scripted, forever) = {
            let mut state = self.0.state.lock();
            state.n_batches += 1;
            (state.script.pop_front(), state.forever.clone())
        };
        // The closure is called without the lock: it may look at what was taken.
        let reply = scripted.or_else(|| forever.map(|answer| answer(batch)));
        match reply.unwrap_or(Reply::Take) {
            Reply::Take => {
                let mut state = self.0.state.lock();
                batch.exposures().iter().for_each(|exposure| state.take(exposure));
                Ok(batch.all(Delivery::Delivered))
            }
            Reply::Each(answers) => {
                let mut state = self.0.state.lock();
                for (exposure, answer) in batch.exposures().iter().zip(&answers) {
                    if *answer == Delivery::Delivered {
                        state.take(exposure);
                    }
                }
                Ok(answers)
            }
            Reply::TakeAndFail(error) => {
                let mut state = self.0.state.lock();
                batch.exposures().iter().for_each(|exposure| state.take(exposure));
                Err(error)
            }
            Reply::Fail(error) => Err(error),
            #[expect(clippy::panic, reason = "tests ask for it")]
            Reply::Panic => panic!("as the test told it to"),
            Reply::Hang => std::future::pending().await,
        }
    }
}

impl Default for MemoryProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_taken = self.0.state.lock().taken.len();
        f.debug_struct("MemoryProvider")
            .field("name", &self.0.name)
            .field("n_taken", &n_taken)
            .finish()
    }
}
