use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use exposure_proto::v1;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::Endpoint;

use super::pace::Pace;
use super::run::join;
use super::source::{Plan, Source};
use super::tally::Tally;
use crate::client::{self, ApiKey, Connection, describe};
use crate::failure::Result;

/// Reads of one user's properties at a rate, until the writers are done.
#[derive(Clone, Debug)]
pub(super) struct Reads {
    pub(super) endpoint: Endpoint,
    pub(super) key: ApiKey,
    pub(super) plan: Arc<Plan>,
    /// Reads a second.
    pub(super) rate: u64,
    pub(super) start: Instant,
    pub(super) end: Instant,
    pub(super) done: Arc<AtomicBool>,
}

impl Reads {
    /// Reads until the end, on this thread and over a connection of its own: what is measured is
    /// the server, and not what the generator's other threads have to do.
    pub(super) fn work(self) -> Result<Tally> {
        client::block_on(async move {
            let connection = Connection::new(&self.endpoint, self.key.clone()).await?;
            let mut readers = JoinSet::new();
            let n_readers = self.rate.div_ceil(250).min(32);
            let interval = Pace::interval(Some(self.rate as f64), n_readers);
            for number in 0..n_readers {
                let source = Source::new(Arc::clone(&self.plan), 1 << 32 | number);
                let offset = interval
                    .map_or(Duration::ZERO, |it| it.mul_f64(number as f64 / n_readers as f64));
                let pace = Pace::new(self.start, self.end, interval).later(offset);
                let done = Arc::clone(&self.done);
                readers.spawn(read(connection.clone(), source, pace, done));
            }
            join(&mut readers, self.start).await
        })
    }
}

/// Reads the properties of one user after the other.
async fn read(
    connection: Connection,
    mut source: Source,
    mut pace: Pace,
    done: Arc<AtomicBool>,
) -> Result<Tally> {
    let mut client = connection.properties();
    let mut tally = Tally::new(pace.epoch())?;
    while let Some(start) = pace.next().await {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let user_id = Some(format!("user-{:010}", source.user()));
        let request = v1::GetUserPropertiesRequest { user_id, device_id: None };
        client.get_user_properties(request).await.map_err(|status| describe(&status))?;
        tally.took(start.elapsed());
    }
    Ok(tally)
}
