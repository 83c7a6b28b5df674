use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use super::DropReason;
use crate::Exposure;

/// Tells that something was dropped: what `on_drop` is called with.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Dropped<'a> {
    /// Why.
    pub reason: DropReason,
    /// What was wrong with it, for people.
    pub detail: &'a str,
    /// How many tracked evaluations it stands for: the exposure and the repeats it suppressed.
    pub count: u64,
    /// The exposure, where it was one: what can be no exposure has none.
    pub exposure: Option<&'a Exposure>,
    /// The flag that was evaluated.
    pub flag_key: &'a str,
}

/// Tells of what is dropped: by callback each time, by a log warning once for each reason.
pub(crate) struct Drops {
    callback: Option<Callback>,
    warned: AtomicU32,
}

pub(crate) type Callback = Box<dyn Fn(&Dropped<'_>) + Send + Sync>;

impl Drops {
    pub(crate) fn new(callback: Option<Callback>) -> Self {
        Self { callback, warned: AtomicU32::new(0) }
    }

    /// Never called with a lock held.
    pub(crate) fn tell(&self, dropped: &Dropped<'_>) {
        let bit = 1 << dropped.reason as u32;
        if self.warned.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            tracing::warn!(
                reason = dropped.reason.as_str(),
                detail = dropped.detail,
                flag_key = dropped.flag_key,
                "an exposure was dropped; further ones for this reason are counted in the account"
            );
        }
        if let Some(callback) = &self.callback {
            // A fault of the callback must not take the caller or a provider down with it.
            if catch_unwind(AssertUnwindSafe(|| callback(dropped))).is_err() {
                tracing::error!("the callback for dropped exposures panicked");
            }
        }
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drops")
            .field("has_callback", &self.callback.is_some())
            .finish_non_exhaustive()
    }
}
