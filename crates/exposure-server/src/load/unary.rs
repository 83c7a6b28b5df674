use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::{Code, Request};

use super::codec::LoadCodec;
use super::pace::Pace;
use super::skim;
use super::source::Source;
use super::tally::Tally;
use super::template::Template;
use crate::client::{Connection, describe};
use crate::failure::{Failure, Result};

/// Where calls go.
pub(super) const PATH: PathAndQuery =
    PathAndQuery::from_static("/exposure.v1.IngestService/Ingest");
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Sends one batch after the other, each in a call, over the connections in turn.
pub(super) async fn work(
    connections: Vec<Connection>,
    mut source: Source,
    mut pace: Pace,
    n_events: usize,
    library: &'static str,
) -> Result<Tally> {
    let grpc = |connection: &Connection| {
        Grpc::new(connection.keyed()).max_decoding_message_size(256 << 20)
    };
    let mut connections: Vec<_> = connections.iter().map(grpc).collect();
    let mut next = 0;
    let mut batch = Arc::new(Template::unary(n_events, library));
    let mut tally = Tally::new(pace.epoch())?;
    while let Some(start) = pace.next().await {
        let n_filled = source.fill(Arc::make_mut(&mut batch));
        if n_filled == 0 {
            break;
        }
        if n_filled < n_events {
            batch = Arc::new(batch.first_events(n_filled, library));
        }
        next = (next + 1) % connections.len().max(1);
        let Some(grpc) = connections.get_mut(next) else { break };
        loop {
            grpc.ready()
                .await
                .map_err(|error| Failure::failed(format!("the connection broke: {error}")))?;
            let request = Request::new(Arc::clone(&batch));
            match grpc.unary(request, PATH, LoadCodec).await {
                Ok(answer) => {
                    let took = start.elapsed();
                    let outcomes = skim::response(answer.get_ref())
                        .filter(|outcomes| outcomes.total() == n_filled as u64)
                        .ok_or_else(|| {
                            Failure::failed("an answer has not one outcome for each event")
                        })?;
                    tally.answered(outcomes, took);
                    break;
                }
                Err(status) if status.code() == Code::ResourceExhausted => {
                    tally.retries += 1;
                    tokio::time::sleep_until(Instant::now() + RETRY_AFTER).await;
                }
                Err(status) => return Err(describe(&status)),
            }
        }
    }
    Ok(tally)
}
