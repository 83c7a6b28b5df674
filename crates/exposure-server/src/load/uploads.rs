use std::time::Duration;

use super::http::HttpConnection;
use super::pace::Pace;
use super::skim::Outcomes;
use super::source::Source;
use super::tally::Tally;
use super::template::Batch as _;
use super::upload::Upload;
use crate::failure::{Failure, Result};

const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Sends one upload after the other.
///
/// An answer tells only how many events were taken; what became of them the server's counts do.
pub(super) async fn work(
    mut connection: HttpConnection,
    mut source: Source,
    mut pace: Pace,
    mut upload: Upload,
) -> Result<Tally> {
    let n_events = upload.n_events();
    let mut tally = Tally::new(pace.epoch())?;
    while let Some(start) = pace.next().await {
        let n_filled = source.fill(&mut upload);
        if n_filled == 0 {
            break;
        }
        if n_filled < n_events {
            upload = upload.first_events(n_filled);
        }
        loop {
            let answer = connection.exchange(upload.bytes()).await?;
            match answer.status {
                200 if ingested(answer.body) == Some(n_filled as u64) => {
                    let outcomes = Outcomes { accepted: n_filled as u64, ..Outcomes::default() };
                    tally.answered(outcomes, start.elapsed());
                    break;
                }
                429 | 503 => {
                    tally.retries += 1;
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                status => {
                    let body = String::from_utf8_lossy(answer.body);
                    return Err(Failure::failed(format!("the server answered {status}: {body}")));
                }
            }
        }
    }
    Ok(tally)
}

fn ingested(body: &[u8]) -> Option<u64> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get("events_ingested")?.as_u64()
}
