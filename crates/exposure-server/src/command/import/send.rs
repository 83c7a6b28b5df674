use std::time::Duration;

use exposure_core::{Body, Dialect, Incoming, Timestamp};
use exposure_formats::{Refused, Upload};
use exposure_proto::v1;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use tonic::Code;

use super::convert::{event, unread};
use super::source::Source;
use super::summary::Counts;
use crate::client::Keyed;
use crate::failure::Result;

/// An event as its format read it.
type Read<'b> = std::result::Result<Incoming<'b>, Refused<'b>>;

/// Events of one request.
const BATCH_EVENTS: usize = 1000;
const RETRIES: u32 = 60;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Sends the events of a request, and counts what became of them.
pub(super) async fn send(
    upload: &Upload<'_>,
    source: &Source<'_>,
    client: &mut IngestServiceClient<Keyed>,
    counts: &mut Counts,
) -> Result<()> {
    let received = source.recorded.received;
    let options = v1::ImportOptions {
        min_id_length: upload.min_id_chars.and_then(|length| i32::try_from(length).ok()),
        received_us: source.has_time.then_some(received.as_micros()),
        dialect: dialect(source.protocol.dialect()).into(),
    };
    // A request names one library; an event's place in its body is in the event already.
    let library = |read: &Read<'_>| {
        let own = read.as_ref().map_or_else(|refused| refused.library, |event| event.library);
        if own.is_empty() { upload.library.to_owned() } else { own.to_owned() }
    };
    for run in upload.events.chunk_by(|one, next| library(one) == library(next)) {
        let library = run.first().map(library).filter(|name| !name.is_empty());
        for batch in run.chunks(BATCH_EVENTS) {
            let events: Vec<_> = batch.iter().filter_map(|read| sent(read, received)).collect();
            let request = v1::IngestRequest {
                events,
                library: library.clone(),
                import_options: Some(options),
                ..v1::IngestRequest::default()
            };
            let mut outcomes = ingest(client, request).await?.outcomes.into_iter();
            for read in batch {
                if is_ignored(read) {
                    counts.ignored();
                } else if let Some(outcome) = outcomes.next() {
                    counts.outcome(&outcome);
                }
            }
        }
    }
    Ok(())
}

/// One that could not be read is sent as well: the server counts it, and it can be looked at
/// there. One that says nothing is not.
fn sent(read: &Read<'_>, received: Timestamp) -> Option<v1::Event> {
    match read {
        Ok(_) if is_ignored(read) => None,
        Ok(incoming) => Some(event(incoming, received)),
        Err(refused) => Some(unread(refused)),
    }
}

fn is_ignored(read: &Read<'_>) -> bool {
    read.as_ref().is_ok_and(|event| matches!(event.body, Body::Ignored))
}

const fn dialect(dialect: Dialect) -> v1::Dialect {
    match dialect {
        Dialect::Native => v1::Dialect::Native,
        Dialect::Amplitude => v1::Dialect::Amplitude,
        Dialect::Foreign => v1::Dialect::Foreign,
    }
}

/// Sends a batch, again where the server has no room for it yet.
async fn ingest(
    client: &mut IngestServiceClient<Keyed>,
    request: v1::IngestRequest,
) -> Result<v1::IngestResponse> {
    if request.events.is_empty() {
        return Ok(v1::IngestResponse::default());
    }
    for _ in 0..RETRIES {
        match client.ingest(request.clone()).await {
            Err(status) if status.code() == Code::ResourceExhausted => {
                tokio::time::sleep(RETRY_AFTER).await;
            }
            answer => return Ok(answer?.into_inner()),
        }
    }
    Ok(client.ingest(request).await?.into_inner())
}
