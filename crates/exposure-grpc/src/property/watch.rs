use std::time::Duration;

use exposure_proto::v1;
use exposure_service::{Handle, Scope, Watch};
use tokio::time::Instant;
use tonic::Status;

use super::wire::watch_item;
use crate::auth::authenticate;
use crate::deadline::wait_for;
use crate::drain::Drain;
use crate::error::{draining, late, stalled, status};
use crate::outgoing::{Answers, Outgoing, Unsent, outgoing};

/// Entries that wait to be read by the client. What is beyond is not read from the feed yet.
const MAX_UNREAD: usize = 64;

/// One `WatchUserProperties`: pulls from the service as fast as its client reads.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) handle: Handle,
    pub(super) key: String,
    pub(super) watch: Watch,
    pub(super) drain: Drain,
    pub(super) deadline: Option<Instant>,
}

impl Session {
    pub(super) fn spawn(self, stall: Duration) -> Answers<v1::WatchUserPropertiesResponse> {
        let (outgoing, answers) = outgoing(MAX_UNREAD, stall);
        tokio::spawn(async move {
            let end = self.run(&outgoing).await;
            outgoing.end(end);
        });
        answers
    }

    async fn run(mut self, outgoing: &Outgoing<v1::WatchUserPropertiesResponse>) -> Option<Status> {
        let deadline = wait_for(self.deadline);
        tokio::pin!(deadline);
        loop {
            let item = tokio::select! {
                biased;
                () = outgoing.gone() => return None,
                () = &mut deadline => return Some(late()),
                () = self.drain.wait() => return Some(draining()),
                item = self.watch.next() => match item {
                    Ok(item) => item,
                    Err(error) => return Some(status(&error)),
                },
            };
            // The key may have been revoked while the feed was quiet.
            if let Err(error) = authenticate(&self.handle, &self.key, Scope::Read) {
                return Some(status(&error));
            }
            match outgoing.send(watch_item(item)).await {
                Ok(()) => {}
                Err(Unsent::Gone) => return None,
                Err(Unsent::Stalled) => return Some(stalled()),
            }
        }
    }
}
