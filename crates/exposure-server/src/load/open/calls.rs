use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::{Code, Request, Status};

use super::Room;
use crate::client::{Connection, describe};
use crate::failure::{Failure, Result};
use crate::load::codec::{LoadCodec, Outgoing};
use crate::load::pace::Pace;
use crate::load::skim;
use crate::load::source::Source;
use crate::load::tally::Tally;
use crate::load::template::{Batch as _, Template};
use crate::load::unary::PATH;

/// Calls that come at one moment, as after a pause of the generator: then others have their turn.
const BURST: u32 = 16;

/// A call that has ended.
struct Done {
    batch: Outgoing,
    answer: std::result::Result<Bytes, Status>,
    took: Duration,
}

/// Sends each batch in a call when it is due, over one connection.
pub(in crate::load) async fn work(
    connection: Connection,
    mut source: Source,
    mut pace: Pace,
    room: Room,
    n_events: usize,
    library: &'static str,
) -> Result<Tally> {
    let grpc = Grpc::new(connection.keyed()).max_decoding_message_size(256 << 20);
    let mut tally = Tally::new(pace.epoch())?;
    let (mut calls, mut spare, mut n_at_once) = (JoinSet::new(), Vec::new(), 0);
    while let Some(start) = pace.next().await {
        n_at_once += 1;
        if n_at_once % BURST == 0 {
            tokio::task::yield_now().await;
        }
        while let Some(done) = calls.try_join_next() {
            spare.push(ended(&mut tally, done.map_err(Failure::failed)?)?);
        }
        let Some((place, n_under_way)) = room.enter() else {
            tally.not_sent += 1;
            continue;
        };
        tally.peak = tally.peak.max(n_under_way);
        let mut batch = spare.pop().unwrap_or_else(|| Arc::new(Template::unary(n_events, library)));
        source.fill(Arc::make_mut(&mut batch));
        let grpc = grpc.clone();
        calls.spawn(async move {
            let answer = call(grpc, Arc::clone(&batch)).await;
            drop(place);
            Done { batch, answer, took: start.elapsed() }
        });
    }
    while let Some(done) = calls.join_next().await {
        ended(&mut tally, done.map_err(Failure::failed)?)?;
    }
    Ok(tally)
}

async fn call(
    mut grpc: Grpc<crate::client::Keyed>,
    batch: Outgoing,
) -> std::result::Result<Bytes, Status> {
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(grpc.unary(Request::new(batch), PATH, LoadCodec).await?.into_inner())
}

/// Counts a call, and gives back its batch.
fn ended(tally: &mut Tally, done: Done) -> Result<Outgoing> {
    let Done { batch, answer, took } = done;
    let n_events = batch.n_events() as u64;
    match answer {
        Ok(answer) => {
            let outcomes = skim::response(&answer).filter(|it| it.total() == n_events);
            let outcomes = outcomes
                .ok_or_else(|| Failure::failed("an answer has not one outcome for each event"))?;
            tally.answered(outcomes, took);
        }
        Err(status) if status.code() == Code::ResourceExhausted => tally.refused(took)?,
        // It may have been stored, or not.
        Err(status) => match status.code() {
            Code::DeadlineExceeded | Code::Unavailable | Code::Cancelled | Code::Unknown => {
                tally.unknown += n_events;
            }
            _ => return Err(describe(&status)),
        },
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn what_is_not_known_is_counted_as_such() {
        let batch = Arc::new(Template::unary(7, "load/1"));
        let mut tally = Tally::new(Instant::now()).unwrap();
        for code in [Code::ResourceExhausted, Code::DeadlineExceeded, Code::Unavailable] {
            let answer = Err(Status::new(code, ""));
            let done = Done { batch: Arc::clone(&batch), answer, took: Duration::from_millis(3) };
            ended(&mut tally, done).unwrap();
        }
        assert_eq!((tally.n_refused(), tally.unknown, tally.outcomes.total()), (1, 14, 0));
        let answer = Err(Status::new(Code::PermissionDenied, ""));
        assert!(ended(&mut tally, Done { batch, answer, took: Duration::ZERO }).is_err());
    }
}
